"""The embedded PostgreSQL: started on first use, shared by every process of this checkout, stopped by the last one.

Two `flock`s next to the data directory coordinate the processes. The kernel drops them however a process ends, so
nothing is ever stale:

- `postgres.lock`, exclusive, held while a server is being made, started or stopped;
- `postgres.users`, shared, held by every process that uses the server. Who gets it exclusively is the last one.
"""

import atexit
import fcntl
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from todoproject.cluster import Cluster, EmbeddedDatabaseError

START_TIMEOUT = 60.0  # seconds; crash recovery replays the write-ahead log first
STOP_TIMEOUT = 30.0  # seconds


class EmbeddedServer:
    """The server of one data directory, as this process uses it."""

    def __init__(self, data: Path) -> None:
        self.cluster = Cluster(data)
        self.data = self.cluster.data
        self._users: int | None = None

    def start(self) -> Path:
        """Make sure the server runs until this process ends; return the directory of its socket.

        Raises EmbeddedDatabaseError in one sentence that says what is wrong with the data directory.
        """
        if self._users is None:
            self._prepare_parent()
            with self._exclusively():
                self._users = self._open("users")
                fcntl.flock(self._users, fcntl.LOCK_SH)
            atexit.register(self.release)
            os.register_at_fork(after_in_child=self._after_fork)
        directory = self._answering_socket()
        if directory is None:
            with self._exclusively():
                directory = self._answering_socket() or self._launch()
        return directory

    def release(self) -> None:
        """Stop using the server, and stop the server when nobody else uses it."""
        if self._users is None:
            return
        users, self._users = self._users, None
        try:
            with self._exclusively():
                try:
                    fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    return
                self._shut_down()
        finally:
            os.close(users)

    def _prepare_parent(self) -> None:
        try:
            self.data.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise EmbeddedDatabaseError(
                f"The embedded database cannot be kept at {self.data} ({error.strerror}): "
                f"make {self.data.parent} a writable directory, or set DATABASE_URL."
            ) from None

    def _open(self, kind: str) -> int:
        path = self.data.with_name(f"{self.data.name}.{kind}")
        try:
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise EmbeddedDatabaseError(
                f"The lock file {path} cannot be opened ({error.strerror}): "
                "run as the user who owns it, or set DATABASE_URL."
            ) from None

    @contextmanager
    def _exclusively(self) -> Iterator[None]:
        descriptor = self._open("lock")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _after_fork(self) -> None:
        # A forked child shares the parent's lock; with one of its own, the parent's exit leaves it its server.
        if self._users is not None:
            inherited = self._users
            self._users = self._open("users")
            fcntl.flock(self._users, fcntl.LOCK_SH)
            os.close(inherited)

    def _answering_socket(self) -> Path | None:
        running = self.cluster.postmaster()
        if running is None or not running.ready:
            return None
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(str(running.socket_directory / ".s.PGSQL.5432"))
            except OSError:
                return None
        return running.socket_directory

    def _launch(self) -> Path:
        self.cluster.verify_or_create()
        directory = self.cluster.socket_directory()
        position = self.cluster.launch(directory)
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            found = self._answering_socket()
            if found is not None:
                return found
            failure = self.cluster.failure_since(position)
            if failure is not None:
                raise EmbeddedDatabaseError(
                    f"The embedded database at {self.data} did not start ({failure}): see {self.cluster.log}, "
                    "then repair the directory or move it away, or set DATABASE_URL."
                )
            time.sleep(0.01)
        raise EmbeddedDatabaseError(
            f"The embedded database at {self.data} was not ready within {START_TIMEOUT:.0f} s: see {self.cluster.log}."
        )

    def _shut_down(self) -> None:
        running = self.cluster.postmaster()
        if running is None:
            return
        try:
            os.kill(running.pid, signal.SIGINT)  # "fast shutdown": sessions are ended, everything is written
        except ProcessLookupError:
            return
        deadline = time.monotonic() + STOP_TIMEOUT
        while self.cluster.postmaster() is not None and time.monotonic() < deadline:
            time.sleep(0.005)


_servers: dict[Path, EmbeddedServer] = {}


def start(data: Path) -> Path:
    """See EmbeddedServer.start(); one lock per process however often it is called."""
    server = _servers.get(data)
    if server is None:
        server = _servers[data] = EmbeddedServer(data)
    return server.start()


def release() -> None:
    """See EmbeddedServer.release(), for every server this process uses."""
    for server in _servers.values():
        server.release()


__all__ = ["EmbeddedDatabaseError", "EmbeddedServer", "release", "start"]
