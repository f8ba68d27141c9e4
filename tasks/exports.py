"""The export: one snapshot through a server-side cursor, spooled to disk so that a slow reader holds no connection."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import ExitStack
from typing import IO

from authn.caller import Caller
from authn.scope import execute, transaction
from authn.statements import Statement

from .statements import every_task

FETCH = "FETCH 1000 FROM export"
SPOOL_BYTES = 1024 * 1024
CHUNK_BYTES = 64 * 1024


class Document:
    """An export ready to be sent, and its size in bytes."""

    def __init__(self, spool: IO[bytes]) -> None:
        self._spool = spool
        self.size = spool.tell()

    def __del__(self) -> None:
        self._spool.close()  # who asks for the headers alone, or has gone, never reads it

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with self._spool as spool:
            spool.seek(0)
            while chunk := spool.read(CHUNK_BYTES):
                yield chunk


async def export_account(caller: Caller, account: Statement) -> Document:
    """Everything held about ``caller`` as of one moment. Memory stays flat whatever the number of tasks."""
    text, params = every_task().bind(caller, {})
    cursor = (f"DECLARE export NO SCROLL CURSOR FOR {text}", params)
    await execute(caller)  # the mirror, so that no row is locked while the tasks are read
    with ExitStack() as undo:
        spool = undo.enter_context(tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES))
        async with transaction(caller, account.bind(caller, {}), cursor, (FETCH, ()), write=False) as opened:
            person, _, found = opened.answer.results
            spool.write(b'{"account":' + person.text(0, 0) + b',"tasks":[')
            separator = b""
            while found:
                spool.write(separator + b",".join(found.texts()))
                separator = b","
                (found,) = await opened.run((FETCH, ()))
        spool.write(b"]}")
        undo.pop_all()
    return Document(spool)
