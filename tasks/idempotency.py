"""Retry-safe calls (IETF draft-ietf-httpapi-idempotency-key-header).

The record of the first answer is written in the transaction of the work. Writing transactions of one owner follow one
another, so a call that arrives while the first is running waits, and then finds the record.
"""

import re
from collections.abc import Awaitable, Callable
from functools import cache
from hashlib import blake2b
from typing import Any

import orjson
from django.db.models import Value
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from psycopg.errors import LockNotAvailable

from authn.caller import Caller
from authn.problems import Conflict, Invalid, Unavailable
from authn.retries import settled
from authn.scope import Transaction, transaction
from authn.statements import OWNER, Param, Statement, insert, select

from .models import IdempotencyRecord

HEADER = "HTTP_IDEMPOTENCY_KEY"
RECORDED_HEADERS = ("ETag", "Location")
_KEY = re.compile(r"[\x21-\x7e]{1,255}")

Work = Callable[[Transaction], Awaitable[HttpResponse]]


class KeyReused(Invalid):
    code = "idempotency_key_reused"
    title = "Idempotency key reused"
    default_detail = "This Idempotency-Key was used for another request. Use a new key for a new request."

    def __init__(self) -> None:
        super().__init__(errors=[_bad_key(self.code, "was used for another request")])


class KeyInUse(Conflict):
    """What holds the account's row is most likely the first call with this key."""

    code = "idempotency_key_in_use"
    title = "Idempotency key in use"
    default_detail = "A call with this Idempotency-Key is still running. Repeat this one in a moment."

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "1"})


def idempotency_key(request: HttpRequest) -> str | None:
    """The request's key, if any. Raises `Invalid` (422) unless it is 1 to 255 visible ASCII characters."""
    key: str | None = request.META.get(HEADER)
    if key is not None and not _KEY.fullmatch(key):
        raise Invalid(errors=[_bad_key("invalid_key", "must be 1 to 255 visible ASCII characters")])
    return key


def _bad_key(code: str, message: str) -> dict[str, Any]:
    return {"loc": ["header", "Idempotency-Key"], "code": code, "message": message}


def fingerprint(request: HttpRequest) -> str:
    text = b"\0".join((str(request.method).encode(), request.path.encode(), request.body))
    return blake2b(text, digest_size=32).hexdigest()


async def once(request: HttpRequest, caller: Caller, key: str, work: Work) -> HttpResponse:
    """The answer of ``work``, or of the earlier call with this key. ``work`` leaves the commit to this function.

    Raises `KeyReused` (422) when the earlier call was another request, and `KeyInUse` (409) when it runs for too long.
    """
    try:
        return await settled(lambda: _once(caller, key, fingerprint(request), work))
    except Unavailable as error:
        if isinstance(error.__cause__, LockNotAvailable):
            raise KeyInUse from error
        raise


async def _once(caller: Caller, key: str, ours: str, work: Work) -> HttpResponse:
    async with transaction(caller, find_record().bind(caller, {"key": key})) as opened:
        if opened.answer.result:
            return _replay(opened.answer.rows[0], ours)
        response = await work(opened)
        values = {
            "key": key,
            "fingerprint": ours,
            "status": response.status_code,
            "headers": orjson.dumps({name: response[name] for name in RECORDED_HEADERS if name in response}).decode(),
            "body": response.content.decode(),
        }
        await opened.commit(save_record().bind(caller, values))
        return response


def _replay(row: tuple[str, int, str, str], ours: str) -> HttpResponse:
    recorded, status, headers, body = row
    if recorded != ours:
        raise KeyReused
    kept = orjson.loads(headers) | {"Idempotency-Replayed": "true"}
    return HttpResponse(body, status=status, content_type="application/json", headers=kept)


@cache
def find_record() -> Statement:
    """Row: fingerprint, status, headers, body. A record older than its lifetime is none."""
    fresh = IdempotencyRecord.objects.owned_by(OWNER).filter(
        key=Param("key"), created_at__gt=Now() - Value(IdempotencyRecord.LIFETIME)
    )
    return select(fresh.values_list("fingerprint", "status", "headers", "body"))


@cache
def save_record() -> Statement:
    """Write the record, over an expired one of the same key."""
    fields = ("key", "fingerprint", "status", "headers", "body")
    replaced = ", ".join(f"{name} = excluded.{name}" for name in (*fields, "created_at"))
    written = insert(IdempotencyRecord, [{name: Param(name) for name in fields}], ("key",))
    before, _, after = written.sql.partition(" RETURNING ")
    return Statement(
        f"{before} ON CONFLICT (user_id, key) DO UPDATE SET {replaced} RETURNING {after}", written.params, True
    )
