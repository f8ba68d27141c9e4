"""The async connection pool of one API process, and the scope that every statement on it travels in.

One call is one round trip: a scope statement (role, owner, time limits) and the work, in one implicit transaction. All of
the scope is transaction-local, so it leaks to nobody, behind a transaction pooler neither.
"""

import asyncio
import logging
import select
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC
from typing import Any

import psycopg
from django.conf import settings
from django.db import connections
from django.db.backends.postgresql.psycopg_any import get_adapters_template
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout, TooManyRequests

from .problems import Unavailable

logger = logging.getLogger("authn.pool")

type_Connection = psycopg.AsyncConnection[Any]
BUSY = "The service is busy. Try again in a moment."
DOWN = "The database cannot be reached right now. Try again in a moment."


class _State:
    pool: AsyncConnectionPool[type_Connection] | None = None
    loop: asyncio.AbstractEventLoop | None = None


def _connection_kwargs() -> dict[str, Any]:
    """What Django would connect with, less what only its own cursors need."""
    wrapper = connections["default"]
    params = dict(wrapper.get_connection_params())
    for name in ("cursor_factory", "context", "prepare_threshold"):
        params.pop(name, None)
    cursor = psycopg.AsyncCursor if settings.DATABASE_PREPARE else psycopg.AsyncClientCursor
    return params | {
        "autocommit": True,
        "cursor_factory": cursor,
        "context": get_adapters_template(True, UTC),
        "prepare_threshold": 0 if settings.DATABASE_PREPARE else None,
    }


async def _alive(connection: type_Connection) -> None:
    """Refuse an idle connection that the server has closed: its socket is readable. Costs no round trip."""
    poller = select.poll()
    poller.register(connection.pgconn.socket, select.POLLIN | select.POLLHUP | select.POLLERR)
    if poller.poll(0):
        connection.pgconn.consume_input()
        if connection.pgconn.status != psycopg.pq.ConnStatus.OK or poller.poll(0):
            raise psycopg.OperationalError("the server closed the connection")


def _make_pool() -> AsyncConnectionPool[type_Connection]:
    return AsyncConnectionPool(
        kwargs=_connection_kwargs(),
        min_size=min(2, settings.DATABASE_POOL_MAX),
        max_size=settings.DATABASE_POOL_MAX,
        max_waiting=settings.DATABASE_POOL_QUEUE,
        timeout=settings.DATABASE_POOL_TIMEOUT,
        reconnect_timeout=5,
        check=_alive,
        open=False,
        name="api",
    )


async def open_pool() -> AsyncConnectionPool[type_Connection]:
    """Open the pool of the running event loop; a pool of a loop that is gone is left behind."""
    loop = asyncio.get_running_loop()
    if _State.pool is None or _State.loop is not loop:
        _State.pool, _State.loop = _make_pool(), loop
        await _State.pool.open()
    return _State.pool


async def close_pool(timeout: float = 5.0) -> None:
    """Close the connections, waiting up to ``timeout`` seconds for those in use to come back."""
    pool, _State.pool = _State.pool, None
    if pool is not None and _State.loop is asyncio.get_running_loop():
        await pool.close(timeout)


def current_pool() -> AsyncConnectionPool[type_Connection] | None:
    return _State.pool


@asynccontextmanager
async def connection() -> AsyncIterator[type_Connection]:
    """A connection of the pool, after a bounded wait.

    Raises `Unavailable` (503) when none gets free in time, the queue is full or the database is gone.
    """
    pool = _State.pool
    if pool is None or _State.loop is not asyncio.get_running_loop():
        pool = await open_pool()
    try:
        conn = await pool.getconn()
    except TooManyRequests as error:
        raise Unavailable(BUSY) from error
    except (PoolTimeout, PoolClosed) as error:
        raise Unavailable(DOWN if not pool.get_stats().get("pool_size") else BUSY) from error
    try:
        yield conn
    finally:
        await asyncio.shield(pool.putconn(conn)) if conn.closed else await pool.putconn(conn)


Statement = tuple[str, Sequence[Any]]
Rows = list[tuple[Any, ...]]


async def run(conn: type_Connection, statements: Sequence[Statement]) -> list[Rows]:
    """Run ``statements`` in one round trip and return the rows of each.

    Outside a transaction they are one implicit transaction. Prepared statements travel in a pipeline (libpq, "Pipeline Mode");
    without them everything is one simple query, which passes any transaction pooler.
    """
    if settings.DATABASE_PREPARE:
        async with conn.pipeline():
            cursors = [await conn.execute(sql, params, prepare=True) for sql, params in statements]
        return [await _rows(cursor) for cursor in cursors]
    cursor = conn.cursor()
    await cursor.execute(
        "; ".join(sql for sql, _ in statements), [value for _, params in statements for value in params]
    )
    results = [await _rows(cursor)]
    while cursor.nextset():
        results.append(await _rows(cursor))
    return results


async def _rows(cursor: psycopg.AsyncCursor[Any]) -> Rows:
    return await cursor.fetchall() if cursor.description else []
