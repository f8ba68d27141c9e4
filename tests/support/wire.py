"""What goes over the wire to the database, as libpq's own trace has it (PostgreSQL documentation, "PQtrace")."""

import ctypes
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from weakref import WeakSet

import psycopg

_connections: "WeakSet[psycopg.AsyncConnection[Any]]" = WeakSet()
_connect = psycopg.AsyncConnection.connect.__func__  # type: ignore[attr-defined]


async def _remembered(cls: type[psycopg.AsyncConnection[Any]], *args: Any, **kwargs: Any) -> Any:
    connection = await _connect(cls, *args, **kwargs)
    _connections.add(connection)
    return connection


def remember_connections() -> None:
    """From now on, know every asynchronous connection, so that it can be traced."""
    psycopg.AsyncConnection.connect = classmethod(_remembered)  # type: ignore[method-assign, assignment]


def _flush() -> None:
    """libpq writes its trace through the C library's buffers."""
    ctypes.CDLL(None).fflush(None)


class Trace:
    """Messages of all asynchronous connections since the start, or since `reset`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._start = 0

    def reset(self) -> None:
        _flush()
        self._start = self._path.stat().st_size

    @property
    def lines(self) -> list[str]:
        _flush()
        return self._path.read_bytes()[self._start :].decode(errors="replace").splitlines()

    @property
    def round_trips(self) -> int:
        """How often the server has said that it is ready again: once a round trip."""
        return sum("ReadyForQuery" in line for line in self.lines)


@contextmanager
def traced() -> Iterator[Trace]:
    """Trace every connection that is open now."""
    with tempfile.NamedTemporaryFile() as file:
        traced = [connection for connection in _connections if not connection.closed]
        for connection in traced:
            connection.pgconn.trace(file.fileno())
        try:
            yield Trace(Path(file.name))
        finally:
            for connection in traced:
                if not connection.closed:
                    connection.pgconn.untrace()
