"""One round trip on a connection, spoken to libpq directly: psycopg's cursors cost more than most queries do.

Statements travel as prepared ones in a pipeline (PostgreSQL documentation, "Pipeline Mode"), or as one simple query
where a pooler knows no prepared statements. Outside a transaction they are one implicit transaction either way.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import count
from secrets import token_hex
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.generators import execute, fetch_many
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult
from psycopg.waiting import Ready, Wait, wait_async

from .parameters import dumped, numbered, with_literals

logger = logging.getLogger("authn.wire")

Statement = tuple[str, Sequence[Any]]
Rows = list[tuple[Any, ...]]
T = TypeVar("T")

PREPARED_MAX = 250
WAIT_SECONDS = 0.1
CANCELLATIONS, CANCELLATION_SECONDS = 20, 0.1  # attempts, and what each is given
CANCEL_SECONDS = 2.0  # for the server to take a cancellation
# The server has forgotten a plan or a name, after a migration or behind a pooler: prepare again.
STALE = {"0A000", "26000"}


class Connection(psycopg.AsyncConnection[Any]):
    """A connection that knows what it has prepared: text and parameter types → name."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.prepared: dict[tuple[bytes, tuple[int, ...]], bytes] = {}
        self.names = count()
        # Behind a pooler that mixes connections up, a name of ours must not mean a statement of somebody else's.
        self.prefix = token_hex(8)

    async def end_statement(self, reading: Callable[[], PQGen[Any]]) -> None:
        """Cancel what runs and read what is left of it. A connection that stays in doubt is closed.

        A cancellation that reaches the server before its statement has no effect, so it is repeated.
        """
        pgconn = self.pgconn
        try:
            for _ in range(CANCELLATIONS):
                await self._try_cancel(timeout=CANCEL_SECONDS)
                with suppress(psycopg.errors._WaitTimeout):
                    await wait_async(reading(), pgconn.socket, interval=WAIT_SECONDS, timeout=CANCELLATION_SECONDS)
                    return
            raise psycopg.OperationalError("the statement did not end")
        except BaseException as error:
            logger.info("connection closed after an interruption: %s", type(error).__name__)
            pgconn.finish()
            if not isinstance(error, psycopg.Error):
                raise


class Result:
    """The rows of one statement, as they came over the wire."""

    __slots__ = ("_connection", "_result")

    def __init__(self, result: PGresult, connection: Connection) -> None:
        self._result = result
        self._connection = connection

    def __len__(self) -> int:
        return self._result.ntuples

    def text(self, row: int, column: int) -> bytes:
        """One value in PostgreSQL's text format; empty for NULL."""
        return self._result.get_value(row, column) or b""

    def texts(self, rows: int | None = None) -> list[bytes]:
        """The first column of the first ``rows`` rows, in text format."""
        get = self._result.get_value
        return [get(row, 0) or b"" for row in range(self._result.ntuples if rows is None else rows)]

    @property
    def rows(self) -> Rows:
        """All rows as Python values."""
        loader = Transformer(self._connection)
        loader.set_pgresult(self._result)
        return loader.load_rows(0, self._result.ntuples, tuple)


async def run(connection: Connection, statements: Sequence[Statement], *, prepare: bool) -> list[Result]:
    """Run ``statements`` in one round trip; a result for each. Raises psycopg's error of the first that fails."""
    if not prepare:
        return await _run_simple(connection, statements)
    before = connection.pgconn.transaction_status
    try:
        return await _run_pipeline(connection, statements)
    except psycopg.Error as error:
        # Whatever these statements began is undone, so it can be repeated; what was open before them cannot.
        if error.sqlstate not in STALE or connection.closed:
            raise
        if before != TransactionStatus.IDLE:
            connection.prepared.clear()  # under new names when the whole transaction is repeated (authn/retries.py)
            raise
        if connection.pgconn.transaction_status != TransactionStatus.IDLE:
            await _run_simple(connection, [("ROLLBACK", ())])
        await _forget_prepared(connection)
        return await _run_pipeline(connection, statements)


async def _run_simple(connection: Connection, statements: Sequence[Statement]) -> list[Result]:
    query = b";".join([with_literals(connection, text, params) for text, params in statements])
    pgconn = connection.pgconn
    async with connection.lock:
        pgconn.send_query(query)
        try:
            results = await _wait(connection, execute(pgconn))
        except asyncio.CancelledError:
            await connection.end_statement(lambda: fetch_many(pgconn))
            raise
    return [Result(result, connection) for result in _checked(connection, results)]


async def _run_pipeline(connection: Connection, statements: Sequence[Statement]) -> list[Result]:
    if len(connection.prepared) > PREPARED_MAX:
        await _forget_prepared(connection)
    # Nothing is sent before all of it can be: what is sent may be committed.
    ready = [(numbered(text), [dumped(connection, value) for value in params]) for text, params in statements]
    pgconn = connection.pgconn
    answers: list[bool] = []
    prepared: dict[tuple[bytes, tuple[int, ...]], bytes] = {}
    async with connection.lock:
        pgconn.enter_pipeline_mode()
        try:
            for text, values in ready:
                answers += _send(connection, text, values, prepared)
            pgconn.pipeline_sync()
            if pgconn.flush():
                await _wait(connection, _flushed(connection))
            results = await _wait(connection, _answered(pgconn, len(answers)))
        except BaseException:
            await connection.end_statement(lambda: _synced(pgconn))
            raise
        finally:
            if not connection.closed:
                pgconn.exit_pipeline_mode()
    _checked(connection, results)
    connection.prepared |= prepared
    return [Result(result, connection) for result, is_answer in zip(results, answers, strict=True) if is_answer]


async def _wait(connection: Connection, reading: PQGen[T]) -> T:
    return await wait_async(reading, connection.pgconn.socket, interval=WAIT_SECONDS)


def _answered(pgconn: PGconn, commands: int) -> PQGen[list[PGresult]]:
    """Read one result for each command, and the answer to the sync."""
    results: list[PGresult] = []
    for _ in range(commands):
        results += yield from fetch_many(pgconn)
    yield from fetch_many(pgconn)
    return results


def _synced(pgconn: PGconn) -> PQGen[None]:
    """Read up to the answer to the sync."""
    fetched: Sequence[PGresult] = ()
    while not fetched or fetched[-1].status != ExecStatus.PIPELINE_SYNC:
        fetched = yield from fetch_many(pgconn)


def _send(
    connection: Connection,
    text: bytes,
    params: Sequence[tuple[bytes | None, int]],
    prepared: dict[tuple[bytes, tuple[int, ...]], bytes],
) -> tuple[bool, ...]:
    """Queue one statement. Of each result that will come: whether it is the statement's, not its preparation's."""
    pgconn = connection.pgconn
    if not params:
        pgconn.send_query_params(text, None)
        return (True,)
    values, types = [value for value, _ in params], tuple([oid for _, oid in params])
    key = (text, types)
    name = connection.prepared.get(key) or prepared.get(key)
    if name is not None:
        pgconn.send_query_prepared(name, values)
        return (True,)
    # A name is never used twice: a preparation outlives the transaction that it failed in.
    name = prepared[key] = f"{connection.prefix}_{next(connection.names)}".encode()
    pgconn.send_prepare(name, text, types)
    pgconn.send_query_prepared(name, values)
    return (False, True)


def _flushed(connection: Connection) -> PQGen[None]:
    """Send the rest of a large pipeline, reading meanwhile, lest both sides wait for the other to read."""
    pgconn = connection.pgconn
    while pgconn.flush():
        if (yield Wait.RW) & Ready.R:
            pgconn.consume_input()


async def _forget_prepared(connection: Connection) -> None:
    await _run_simple(connection, [("DEALLOCATE ALL", ())])
    connection.prepared.clear()


def _checked(connection: Connection, results: Sequence[PGresult]) -> Sequence[PGresult]:
    for result in results:
        if result.status == ExecStatus.FATAL_ERROR:
            raise error_from_result(result, encoding=connection.info.encoding)
    return results
