"""The caller's own account."""

from functools import cache

import orjson
from django.http import HttpRequest, HttpResponse
from ninja import Router

from authn.models import Account
from authn.scope import execute
from authn.statements import OWNER, Statement, select

from . import schemas
from .answers import json_response
from .api import caller_of
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
    (account,), counts = answer.results
    open_, completed, trashed = counts[0] if counts else (0, 0, 0)
    tasks = orjson.dumps({"open": open_, "completed": completed, "trashed": trashed})
    return json_response(account[0].encode()[:-1] + b',"tasks":' + tasks + b"}")
