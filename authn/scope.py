"""Run statements as one owner: database role, owner setting and account status, in the same round trip as the work."""

import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from time import monotonic

import psycopg
from django.conf import settings

from .caller import Caller
from .pool import connection
from .problems import Forbidden, Unavailable
from .rls import ROLE
from .watchdog import watched
from .wire import Connection, Result, Rows, Statement
from .wire import run as run_on_wire

logger = logging.getLogger("authn.scope")

REFUSED = "AU403"  # SQLSTATE raised by authn_admit() and authn_next_revision()
MIRROR_SECONDS = 60.0
MIRROR_ENTRIES = 50_000

# lock_timeout comes first: it bounds the wait for the account's row, in authn_admit() and in the mirror before it.
# Plans are made once and for any owner: one that walks an index in the order of a page suits who owns ten rows and who
# owns ten million, one that collects the owner's rows in a bitmap and sorts them does not.
ENTER = (
    "SELECT set_config('lock_timeout', %s, true), authn_admit(%s, %s), set_config('role', '"
    + ROLE
    + "', true), set_config('app.user_id', %s, true), set_config('TimeZone', 'UTC', true),"
    " set_config('statement_timeout', %s, true), set_config('plan_cache_mode', 'force_generic_plan', true),"
    " set_config('enable_bitmapscan', 'off', true)"
)
REVISION = 1  # the column of authn_admit() in it
MEET = (
    "INSERT INTO authn_account (id, email, name) SELECT %s, %s, %s FROM set_config('lock_timeout', %s, true)"
    " ON CONFLICT (id) DO UPDATE SET"
    " email = coalesce(excluded.email, authn_account.email), name = coalesce(excluded.name, authn_account.name),"
    " last_seen_at = excluded.last_seen_at WHERE authn_account.status = 'active'"
)

_seen: OrderedDict[str, tuple[Caller, float]] = OrderedDict()


def _enter(caller: Caller, write: bool) -> Statement:
    limit = str(settings.DATABASE_STATEMENT_TIMEOUT_MS)
    return ENTER, (limit, caller.subject, write, caller.subject, limit)


def _prologue(caller: Caller, write: bool) -> list[Statement]:
    """The scope, and before it the account's mirror when this process has not written it lately."""
    known = _seen.get(caller.subject)
    if known is not None and known[0] == caller and known[1] > monotonic():
        return [_enter(caller, write)]
    return [_meet(caller), _enter(caller, write)]


def _meet(caller: Caller) -> Statement:
    return MEET, (caller.subject, caller.email, caller.name, str(settings.DATABASE_STATEMENT_TIMEOUT_MS))


def _remember(caller: Caller) -> None:
    _seen[caller.subject] = (caller, monotonic() + MIRROR_SECONDS)
    _seen.move_to_end(caller.subject)
    if len(_seen) > MIRROR_ENTRIES:
        _seen.popitem(last=False)


class Answer:
    """What one round trip brought: the rows of each statement, and the account's revision before it."""

    __slots__ = ("results", "revision")

    def __init__(self, results: list[Result], revision: int) -> None:
        self.results = results
        self.revision = revision

    @property
    def result(self) -> Result:
        """What the last statement brought."""
        return self.results[-1]

    @property
    def rows(self) -> Rows:
        return self.results[-1].rows


async def run(conn: Connection, statements: Sequence[Statement]) -> list[Result]:
    watched[conn] = monotonic()
    try:
        return await run_on_wire(conn, statements, prepare=settings.DATABASE_PREPARE)
    finally:
        watched.pop(conn, None)


async def _run_scoped(conn: Connection, caller: Caller, statements: Sequence[Statement], write: bool) -> Answer:
    prologue = _prologue(caller, write)
    results = await run(conn, [*prologue, *statements])
    revision = results[len(prologue) - 1].text(0, REVISION)
    if not revision and not write:  # the account was mirrored once, and is gone
        _seen.pop(caller.subject, None)
        return await _run_scoped(conn, caller, statements, write)
    if len(prologue) > 1:
        _remember(caller)
    return Answer(results[len(prologue) :], int(revision or 0))


async def execute(caller: Caller, *statements: Statement, write: bool = False) -> Answer:
    """Run ``statements`` as ``caller`` in one round trip and one transaction.

    Raises `Forbidden` (403) for a suspended or erased account and `Unavailable` (503) when the database cannot answer
    in time. Integrity and data errors of psycopg pass through.
    """
    with translated():
        async with connection() as conn:
            return await _run_scoped(conn, caller, statements, write)


class Transaction:
    """An open transaction in the caller's scope, undone unless it is committed. Each call is one round trip."""

    def __init__(self, conn: Connection, answer: Answer) -> None:
        self._conn = conn
        self.answer = answer

    async def run(self, *statements: Statement) -> list[Result]:
        return await run(self._conn, statements)

    async def commit(self, *statements: Statement) -> list[Result]:
        """Run the last ``statements`` and commit."""
        return (await run(self._conn, [*statements, COMMIT]))[:-1]


BEGIN: Statement = ("BEGIN", ())
COMMIT: Statement = ("COMMIT", ())


@asynccontextmanager
async def transaction(caller: Caller, *statements: Statement, write: bool = True) -> AsyncIterator[Transaction]:
    """Open a transaction as ``caller``, with ``statements`` in its first round trip. Raises what `execute` raises.

    A writing one holds the account's row: the writing transactions of one owner follow one another.
    """
    with translated():
        async with connection() as conn:
            try:
                # The mirror is always part of it: what is undone later must not be remembered as done.
                opening = [BEGIN, *([_meet(caller)] if write else []), _enter(caller, write)]
                results = await run(conn, [*opening, *statements])
                yield Transaction(
                    conn, Answer(results[len(opening) :], int(results[len(opening) - 1].text(0, REVISION)))
                )
            finally:
                if not conn.closed and conn.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
                    watched[conn] = monotonic()
                    try:
                        await conn.rollback()
                    finally:
                        watched.pop(conn, None)


class translated:  # noqa: N801  (reads as a statement: "with translated():")
    """Turn the database's refusals into answers."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, psycopg.Error):
            problem = _problem(error)
            if problem is not None:
                raise problem from error


def _problem(error: psycopg.Error) -> Exception | None:
    if error.sqlstate == REFUSED:
        code = error.diag.message_primary or "forbidden"
        state = code.removeprefix("account_")
        return Forbidden(f"This account is {state}. Contact support if you think that is wrong.", code=code)
    if isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError)):
        logger.warning("database unavailable: %s %s", error.sqlstate or "", type(error).__name__)
        return Unavailable("The database cannot answer right now. Try again in a moment.")
    return None
