"""One round trip on a connection, spoken to libpq directly: psycopg's cursors cost more than most queries do.

Statements travel as prepared ones in a pipeline (PostgreSQL documentation, "Pipeline Mode"), or as one simple query
where a pooler knows no prepared statements. Outside a transaction they are one implicit transaction either way.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import count
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.generators import execute, fetch_many
from psycopg.pq import Escaping, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult
from psycopg.waiting import Ready, Wait, wait_async

logger = logging.getLogger("authn.wire")

Statement = tuple[str, Sequence[Any]]
Rows = list[tuple[Any, ...]]
T = TypeVar("T")

PREPARED_MAX = 250
WAIT_SECONDS = 0.1
CANCELLATIONS, CANCELLATION_SECONDS = 20, 0.1  # attempts, and what each is given
CANCEL_SECONDS = 2.0  # for the server to take a cancellation
UNKNOWN_OID, BOOL_OID, INT8_OID = 0, 16, 20
# The server has forgotten a plan or a name, after a migration or behind a pooler: prepare again.
STALE = {"0A000", "26000"}

_PLACEHOLDER = re.compile("%([s%])")


class Connection(psycopg.AsyncConnection[Any]):
    """A connection that knows what it has prepared: text and parameter types → name."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.prepared: dict[tuple[bytes, tuple[int, ...]], bytes] = {}
        self.names = count()

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
        # The implicit transaction is undone, so it can be repeated; an open one cannot.
        if error.sqlstate not in STALE or before != TransactionStatus.IDLE or connection.closed:
            raise
        await _forget_prepared(connection)
        return await _run_pipeline(connection, statements)


async def _run_simple(connection: Connection, statements: Sequence[Statement]) -> list[Result]:
    query = b";".join([_with_literals(connection, text, params) for text, params in statements])
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
    ready = [(_numbered(text), [_dumped(connection, value) for value in params]) for text, params in statements]
    pgconn = connection.pgconn
    answers: list[bool] = []
    prepared: dict[tuple[bytes, tuple[int, ...]], bytes] = {}
    async with connection.lock:
        pgconn.enter_pipeline_mode()
        try:
            for numbered, dumped in ready:
                answers += _send(connection, numbered, dumped, prepared)
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
    numbered: bytes,
    dumped: Sequence[tuple[bytes | None, int]],
    prepared: dict[tuple[bytes, tuple[int, ...]], bytes],
) -> tuple[bool, ...]:
    """Queue one statement. Of each result that will come: whether it is the statement's, not its preparation's."""
    pgconn = connection.pgconn
    if not dumped:
        pgconn.send_query_params(numbered, None)
        return (True,)
    values, types = [value for value, _ in dumped], tuple([oid for _, oid in dumped])
    key = (numbered, types)
    name = connection.prepared.get(key) or prepared.get(key)
    if name is not None:
        pgconn.send_query_prepared(name, values)
        return (True,)
    # A name is never used twice: a preparation outlives the transaction that it failed in.
    name = prepared[key] = b"s%d" % next(connection.names)
    pgconn.send_prepare(name, numbered, types)
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


@lru_cache(maxsize=2048)
def _numbered(text: str) -> bytes:
    """``%s`` → ``$1``, ``$2``, … and ``%%`` → ``%``."""
    number = count(1)
    return _PLACEHOLDER.sub(lambda match: f"${next(number)}" if match[1] == "s" else "%", text).encode()


@lru_cache(maxsize=2048)
def _pieces(text: str) -> tuple[bytes, ...]:
    """The text around its ``%s``."""
    marked = _PLACEHOLDER.sub(lambda match: "\0" if match[1] == "s" else "%", text)
    return tuple(piece.encode() for piece in marked.split("\0"))


def _with_literals(connection: Connection, text: str, params: Sequence[Any]) -> bytes:
    first, *rest = _pieces(text)
    merged = [first]
    for value, piece in zip(params, rest, strict=True):
        merged += (_literal(connection, value), piece)
    return b"".join(merged)


def _dumped(connection: Connection, value: Any) -> tuple[bytes | None, int]:
    """A value in text format, and its type where the server could not tell it from the context."""
    kind = type(value)
    if kind is str:
        return _text(value), UNKNOWN_OID
    if value is None:
        return None, UNKNOWN_OID
    if kind is bool:
        return (b"t" if value else b"f"), BOOL_OID
    if kind is int:
        return b"%d" % value, INT8_OID
    dumper = Transformer(connection)
    (dumped,) = dumper.dump_sequence([value], [PyFormat.TEXT])
    return (None if dumped is None else bytes(dumped)), (dumper.types or (UNKNOWN_OID,))[0]


def _literal(connection: Connection, value: Any) -> bytes:
    kind = type(value)
    if kind is str:
        return Escaping(connection.pgconn).escape_literal(_text(value))
    if value is None:
        return b"NULL"
    if kind is bool:
        return b"true" if value else b"false"
    return bytes(Transformer(connection).as_literal(value))


def _text(value: str) -> bytes:
    """UTF-8. libpq would cut it off at a NUL."""
    encoded = value.encode()
    if b"\0" in encoded:
        raise psycopg.DataError("text cannot contain NUL (0x00) bytes")
    return encoded
