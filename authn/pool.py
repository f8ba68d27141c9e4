"""The async connection pool of one API process, and the scope that every statement on it travels in.

One call is one round trip: a scope statement (role, owner, time limits) and the work, in one implicit transaction.
All of the scope is transaction-local, so it leaks to nobody, behind a transaction pooler neither.
"""

import asyncio
import logging
import select
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC
from time import monotonic
from typing import Any

import psycopg
from django.conf import settings
from django.db import connections
from django.db.backends.postgresql.psycopg_any import get_adapters_template
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout, TooManyRequests

from .problems import Unavailable
from .watchdog import watch
from .wire import Connection

logger = logging.getLogger("authn.pool")

# The pool tries to connect after 1, 2, 4, … seconds until then, and from then on whenever somebody needs a connection.
RECONNECT_SECONDS = 2.0
BUSY = "The service is busy. Try again in a moment."
DOWN = "The database cannot be reached right now. Try again in a moment."


class _State:
    pool: AsyncConnectionPool[Connection] | None = None
    loop: asyncio.AbstractEventLoop | None = None
    watchdog: asyncio.Task[None] | None = None


def _connection_kwargs() -> dict[str, Any]:
    """What Django would connect with, less what only its own cursors need."""
    wrapper = connections["default"]
    params = dict(wrapper.get_connection_params())
    for name in ("cursor_factory", "context", "prepare_threshold"):
        params.pop(name, None)
    return params | {"autocommit": True, "context": get_adapters_template(True, UTC), "prepare_threshold": None}


def _is_alive(connection: Connection) -> bool:
    """Whether the server has not closed an idle connection: its socket would be readable. Costs no round trip."""
    poller = select.poll()
    poller.register(connection.pgconn.socket, select.POLLIN | select.POLLHUP | select.POLLERR)
    if not poller.poll(0):
        return True
    with suppress(psycopg.OperationalError):
        connection.pgconn.consume_input()
        return connection.pgconn.status == psycopg.pq.ConnStatus.OK and not poller.poll(0)
    return False


def _make_pool() -> AsyncConnectionPool[Connection]:
    return AsyncConnectionPool(
        connection_class=Connection,
        kwargs=_connection_kwargs,  # asked for at every connection: an embedded server that has died is started again
        min_size=min(2, settings.DATABASE_POOL_MAX),
        max_size=settings.DATABASE_POOL_MAX,
        max_waiting=settings.DATABASE_POOL_QUEUE,
        timeout=settings.DATABASE_POOL_TIMEOUT,
        reconnect_timeout=RECONNECT_SECONDS,
        open=False,
        name="api",
    )


async def open_pool() -> AsyncConnectionPool[Connection]:
    """Open the pool of the running event loop; a pool of a loop that is gone is left behind."""
    loop = asyncio.get_running_loop()
    if _State.pool is None or _State.loop is not loop:
        _State.pool, _State.loop = _make_pool(), loop
        await _State.pool.open()
        _State.watchdog = loop.create_task(watch(), name="database watchdog")
    return _State.pool


async def close_pool(wait_seconds: float = 5.0) -> None:
    """Close the connections, waiting up to ``wait_seconds`` for those in use to come back."""
    (pool, watchdog), (_State.pool, _State.watchdog) = (_State.pool, _State.watchdog), (None, None)
    if pool is not None and watchdog is not None and _State.loop is asyncio.get_running_loop():
        await pool.close(wait_seconds)
        watchdog.cancel()


def current_pool() -> AsyncConnectionPool[Connection] | None:
    return _State.pool


async def _living(pool: AsyncConnectionPool[Connection]) -> Connection:
    """A connection that the server has not closed meanwhile. Nothing was sent on a dead one, so the next will do.

    The pool's own `check` waits a second after each dead one, and a restarted server leaves a whole pool of them.
    """
    deadline = monotonic() + pool.timeout
    while True:
        conn = await pool.getconn(deadline - monotonic())
        if _is_alive(conn):
            return conn
        await conn.close()
        await pool.putconn(conn)


def _cancellations() -> int:
    task = asyncio.current_task()
    return 0 if task is None else task.cancelling()


@asynccontextmanager
async def connection() -> AsyncIterator[Connection]:
    """A connection of the pool, after a bounded wait.

    Raises `Unavailable` (503) when none gets free in time, the queue is full or the database is gone.
    """
    pool = _State.pool
    if pool is None or _State.loop is not asyncio.get_running_loop():
        pool = await open_pool()
    before = _cancellations()
    try:
        conn = await _living(pool)
    except TooManyRequests as error:
        raise Unavailable(BUSY) from error
    except (PoolTimeout, PoolClosed) as error:
        raise Unavailable(DOWN if not pool.get_stats().get("pool_size") else BUSY) from error
    try:
        # The pool gives out a connection all the same when its caller is cancelled at that very moment.
        if _cancellations() > before:
            raise asyncio.CancelledError
        yield conn
    finally:
        await asyncio.shield(pool.putconn(conn)) if conn.closed else await pool.putconn(conn)
