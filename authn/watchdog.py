"""A deadline on this side of the wire: a frozen database, or a network that swallows packets, ends no query.

PostgreSQL's own timeouts cover everything else, so the deadline lies behind them. Watching costs a dictionary entry a
round trip, where a timer for each would cost several microseconds.
"""

import asyncio
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from time import monotonic

from django.conf import settings

from .wire import Connection

logger = logging.getLogger("authn.watchdog")

SLACK_SECONDS = 2.0  # behind statement_timeout and lock_timeout
INTERVAL_SECONDS = 0.5

# Connection -> when its round trip began (monotonic seconds).
watched: dict[Connection, float] = {}


async def watch() -> None:
    """Cut connections whose round trip takes too long; whoever waits for one gets psycopg's OperationalError."""
    while True:
        await asyncio.sleep(INTERVAL_SECONDS)
        for connection in _overdue():
            logger.warning("the database has not answered in time: connection cut")
            _cut(connection)


def _overdue() -> Iterator[Connection]:
    limit = monotonic() - settings.DATABASE_STATEMENT_TIMEOUT_MS / 1000 - SLACK_SECONDS
    for connection, begun in list(watched.items()):
        if begun < limit:
            del watched[connection]
            yield connection


def _cut(connection: Connection) -> None:
    """End the connection under libpq, which then reads that the server is gone."""
    with suppress(OSError), socket.socket(fileno=os.dup(connection.pgconn.socket)) as wire:
        wire.shutdown(socket.SHUT_RDWR)
