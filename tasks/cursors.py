"""Opaque tokens that a client hands back: signed, and bound to what they were issued for."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import cache
from hashlib import blake2b
from hmac import compare_digest
from typing import Any

import orjson
from django.conf import settings

from authn.problems import Invalid

_MAC_BYTES = 16


class InvalidCursor(Invalid):
    """422: not a token of ours, or of another user, filter or sort."""

    code = "invalid_cursor"
    default_detail = "The cursor is not valid for this user and query. Start again without it."

    def __init__(self, parameter: str) -> None:
        error = {"loc": ["query", parameter], "code": "invalid_cursor", "message": "is not valid for this query"}
        super().__init__(errors=[error])


@cache
def _key(secret: str) -> bytes:
    return blake2b(secret.encode(), person=b"todo cursor").digest()


def _mac(payload: bytes, bound_to: tuple[Any, ...]) -> bytes:
    mac = blake2b(orjson.dumps(bound_to), digest_size=_MAC_BYTES, key=_key(settings.SECRET_KEY))
    mac.update(payload)
    return mac.digest()


def seal(value: Any, *bound_to: Any) -> str:
    """``value`` (JSON) as a token that `unseal` opens only with the same ``bound_to``."""
    payload = orjson.dumps(value)
    return urlsafe_b64encode(_mac(payload, bound_to) + payload).rstrip(b"=").decode()


def unseal(token: str, *bound_to: Any, parameter: str = "cursor") -> Any:
    """The value of a token. Raises `InvalidCursor` naming the query ``parameter`` for any other text."""
    try:
        data = urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
    except ValueError:
        raise InvalidCursor(parameter) from None
    mac, payload = data[:_MAC_BYTES], data[_MAC_BYTES:]
    canonical = urlsafe_b64encode(data).rstrip(b"=").decode() == token
    if not canonical or not compare_digest(mac, _mac(payload, bound_to)):
        raise InvalidCursor(parameter)
    return orjson.loads(payload)
