"""Incremental sync by revision: what a reader follows is the order in which changes became visible, never a clock."""

from functools import cache

from django.http import HttpResponse

from authn.caller import Caller
from authn.models import Account
from authn.scope import execute
from authn.statements import OWNER, Statement, select

from . import statements
from .answers import json_response
from .cursors import seal, unseal
from .errors import SyncTokenExpired

PURPOSE = "changes"


@cache
def purged_revision() -> Statement:
    """Row: the newest revision of which nothing is left to be delivered."""
    return select(Account.objects.filter(pk=OWNER).values_list("purged_revision"))


async def changes_since(caller: Caller, since: str | None, limit: int) -> HttpResponse:
    """A page of changes. Raises `InvalidCursor` (422) for a foreign token, `SyncTokenExpired` (410) after a purge.

    A token is ``[after, base]``: the last revision delivered, and the account's revision when the walk began. What was
    in the trash by then has never been delivered, so neither its tombstone nor that it is purged matters.
    """
    after, base = (0, NOTHING) if since is None else unseal(since, caller.subject, PURPOSE, parameter="since")
    page = statements.changes(limit).bind(caller, {"after": after, "base": base})
    # Read after the page: the purge of a task that the page lacks is then never missed.
    answer = await execute(caller, page, purged_revision().bind(caller, {}))
    found, purged = answer.results
    if max(after, base) < int(purged.text(0, 0)):
        raise SyncTokenExpired
    more, count = len(found) > limit, min(len(found), limit)
    last = int(found.text(count - 1, 1)) if count else after
    token = [last if more else max(last, answer.revision), answer.revision if since is None else base]
    following = seal(token, caller.subject, PURPOSE)
    items, more_text = b",".join(found.texts(count)), b"true" if more else b"false"
    return json_response(
        b'{"items":[' + items + b'],"next":"' + following.encode() + b'","has_more":' + more_text + b"}"
    )


NOTHING = 2**62  # no revision is beyond it: in a first page nothing of the trash is, and nothing is missing
