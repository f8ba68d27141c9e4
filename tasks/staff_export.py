"""The export of somebody's account for staff and operators: the same document that GET /me/export gives its owner."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

from django.db import connection, transaction

from authn import accounts
from authn.audit import Actor, record
from authn.caller import Caller

from .account import get_account
from .statements import every_task

ROWS = 1000


Progress = Callable[[int], None]


def export(subject: str, actor: Actor, reason: str, target: IO[bytes], progress: Progress | None = None) -> int:
    """Write everything held about ``subject`` as of one moment into ``target``, and return the number of tasks.

    Memory stays flat whatever that number; ``progress`` is told it now and then. Raises `UnknownAccount` of
    `authn.accounts`, and OSError as ``target`` does.
    """
    accounts.find(subject)
    # On record before the first byte leaves: an export that breaks off has shown something too.
    record(actor, "account.export", account=subject, reason=reason)
    with _snapshot():
        return _write(Caller(subject), target, progress)


@contextmanager
def _snapshot() -> Iterator[None]:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


def _write(caller: Caller, target: IO[bytes], progress: Progress | None) -> int:
    with connection.cursor() as cursor:
        cursor.execute(*get_account().bind(caller, {}))
        (person,) = cursor.fetchone()
    target.write(b'{"account":' + person.encode() + b',"tasks":[')
    written = 0
    with connection.chunked_cursor() as cursor:
        cursor.execute(*every_task().bind(caller, {}))
        while rows := cursor.fetchmany(ROWS):
            target.write((b"," if written else b"") + ",".join(row[0] for row in rows).encode())
            written += len(rows)
            if progress is not None:
                progress(written)
    target.write(b"]}")
    return written
