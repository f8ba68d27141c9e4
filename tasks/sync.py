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
    """Row: the highest revision among the tasks that were deleted for good."""
    return select(Account.objects.filter(pk=OWNER).values_list("purged_revision"))


async def changes_since(caller: Caller, since: str | None, limit: int) -> HttpResponse:
    """A page of changes. Raises `InvalidCursor` (422) for a foreign token, `SyncTokenExpired` (410) after a purge.

    A token is ``[after, base, purged]``: the last revision delivered, the account's revision when the walk began
    (what was in the trash by then was never delivered, so its tombstone is not needed), and the purges known by then.
    """
    after, base, purged = (
        (0, None, None) if since is None else unseal(since, caller.subject, PURPOSE, parameter="since")
    )
    purges = purged_revision().bind(caller, {})
    # Read before the page for the token that is issued, after it for the token that was sent: a purge in between is
    # then never missed by either.
    page = statements.changes(limit).bind(caller, {"after": after, "base": NOTHING if base is None else base})
    answer = await execute(caller, purges, page, purges)
    before, found, afterwards = answer.results
    purged_before, purged_after = int(before.text(0, 0)), int(afterwards.text(0, 0))
    if purged is not None and purged < purged_after and after < purged_after:
        raise SyncTokenExpired
    more, count = len(found) > limit, min(len(found), limit)
    last = int(found.text(count - 1, 1)) if count else after
    token = [
        last if more else max(last, answer.revision),
        answer.revision if base is None else base,
        purged_before if purged is None or last >= purged_before else purged,
    ]
    following = seal(token, caller.subject, PURPOSE)
    items, more_text = b",".join(found.texts(count)), b"true" if more else b"false"
    return json_response(
        b'{"items":[' + items + b'],"next":"' + following.encode() + b'","has_more":' + more_text + b"}"
    )


NOTHING = 2**62  # no revision is beyond it: in a first page nothing of the trash is
