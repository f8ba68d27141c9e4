"""The caller's own account: who they are, everything held about them, and its erasure."""

from functools import cache

import orjson
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from ninja import Router

from authn.bearer import caller_of
from authn.models import Account
from authn.ownership import owned_models
from authn.problems import Invalid
from authn.retries import settled
from authn.scope import execute, transaction
from authn.statements import OWNER, Statement, delete, select

from . import schemas
from .answers import json_response
from .exports import export_account
from .queries import NoQuery, read_query
from .statements import count_tasks

router = Router(tags=["Account"])


@cache
def get_account() -> Statement:
    fields = ("id", "email", "name", "created_at", "last_seen_at")
    return select(Account.objects.filter(pk=OWNER).values(*fields)).as_json()


@router.get("/me", response=schemas.Me, operation_id="getMe", summary="Get the caller's account")
async def get_me(request: HttpRequest) -> HttpResponse:
    """Who is calling, and how many tasks they have. `last_seen_at` is exact to a minute."""
    read_query(request, NoQuery)
    caller = caller_of(request)
    answer = await execute(caller, get_account().bind(caller, {}), count_tasks().bind(caller, {}))
    account, counts = answer.results
    open_, completed, trashed = counts.rows[0] if counts else (0, 0, 0)
    tasks = orjson.dumps({"open": open_, "completed": completed, "trashed": trashed})
    return json_response(account.text(0, 0)[:-1] + b',"tasks":' + tasks + b"}")


@router.get("/me/export", response=schemas.Export, operation_id="exportMe", summary="Export everything")
async def export_me(request: HttpRequest) -> StreamingHttpResponse:
    """Everything held about the caller in one JSON document, trashed tasks too, as of one moment."""
    read_query(request, NoQuery)
    document = await export_account(caller_of(request), get_account())
    headers = {"Content-Disposition": 'attachment; filename="todo-export.json"', "Content-Length": str(document.size)}
    return StreamingHttpResponse(document, content_type="application/json", headers=headers)


@router.delete("/me", response={204: None}, operation_id="eraseMe", summary="Erase the account")
async def erase_me(request: HttpRequest, erase: schemas.AccountErase) -> HttpResponse:
    """Delete everything held about the caller for good. Their token gets 403 from then on."""
    read_query(request, NoQuery)
    caller = caller_of(request)
    if erase.confirm != caller.subject:
        message = "must be your own subject (sub)"
        raise Invalid(errors=[{"loc": ["body", "confirm"], "code": "not_confirmed", "message": message}])
    rows = [delete(model.objects.owned_by(OWNER), ("user",)).bind(caller, {}) for model in owned_models()]

    async def run() -> None:
        async with transaction(caller, *rows, ("SELECT authn_erase()", ())) as opened:
            await opened.commit()

    await settled(run)
    return HttpResponse(status=204)
