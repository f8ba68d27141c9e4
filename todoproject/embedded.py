"""The embedded PostgreSQL: started on first use, shared by every process of this checkout, stopped by the last one.

Two `flock`s beside the data directory coordinate the processes. The kernel drops them however a process ends, so
nothing is ever stale:

- `postgres.lock`, exclusive, is held while a server is made, started or stopped;
- `postgres.users`, shared, is held by every process that uses the server. Who gets it exclusively is the last one.
"""

import atexit
import fcntl
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from todoproject.cluster import Cluster
from todoproject.host import EmbeddedDatabaseError

START_TIMEOUT = 60.0  # seconds; crash recovery replays the write-ahead log first
STOP_TIMEOUT = 30.0  # seconds
POLL = 0.01  # seconds
ANSWER_TIMEOUT = 5.0  # seconds
# What a server says while sessions of a killed one are still ending.
PASSING = ("pre-existing shared memory block", "lock file", "Is another postmaster")
# "SSLRequest" of the frontend/backend protocol (PostgreSQL documentation, 53.2.10): a living server answers one byte.
SSL_REQUEST = (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")


class EmbeddedServer:
    """The server of one data directory, as this process uses it."""

    def __init__(self, data: Path) -> None:
        self.cluster = Cluster(data)
        self._users: int | None = None
        self._childs: int | None = None

    def start(self) -> Path:
        """Make sure that the server runs and goes on until this process ends; return the directory of its socket.

        Raises EmbeddedDatabaseError, in one sentence, when the data directory does not allow it.
        """
        if self._users is None:
            self._join()
        found = self._answering()
        if found is None:
            with self._alone():
                found = self._answering() or self._launch()
        return found.parent

    def release(self) -> None:
        """Stop using the server; stop the server when nobody else uses it."""
        if self._users is None:
            return
        users, self._users = self._users, None
        try:
            # A directory that is gone cannot be locked; its server notices and ends by itself.
            with suppress(BlockingIOError, EmbeddedDatabaseError), self._alone():
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._shut_down()
        finally:
            os.close(users)

    def _join(self) -> None:
        with suppress(OSError):  # opening the lock file tells better what is wrong
            self.cluster.data.parent.mkdir(parents=True, exist_ok=True)
        with self._alone():
            self._users = self._shared()
        atexit.register(self.release)
        os.register_at_fork(
            before=self._before_fork, after_in_parent=self._after_in_parent, after_in_child=self._after_in_child
        )

    def _before_fork(self) -> None:
        # A child would share its parent's lock, and lose it to the parent's exit. It gets one of its own.
        if self._users is not None:
            self._childs = self._shared()

    def _after_in_parent(self) -> None:
        childs, self._childs = self._childs, None
        if childs is not None:
            os.close(childs)

    def _after_in_child(self) -> None:
        if self._users is not None and self._childs is not None:
            os.close(self._users)
            self._users, self._childs = self._childs, None

    def _shared(self) -> int:
        users = self._open("users")
        fcntl.flock(users, fcntl.LOCK_SH)
        return users

    def _open(self, kind: str) -> int:
        path = self.cluster.beside(kind)
        try:
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise EmbeddedDatabaseError(
                f"The embedded database's file {path} cannot be opened ({error.strerror}): "
                "run as the user who owns its directory, or set DATABASE_URL."
            ) from None

    @contextmanager
    def _alone(self) -> Iterator[None]:
        descriptor = self._open("lock")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _answering(self) -> Path | None:
        running = self.cluster.postmaster()
        if running is None or not running.ready:
            return None
        return running.socket if answers(running.socket) else None

    def _launch(self) -> Path:
        self.cluster.verify_or_create()
        launch = self.cluster.launch()
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            found = self._answering()
            if found is not None:
                return found
            failure = self.cluster.failure(launch)
            if failure is not None:
                if not any(reason in failure for reason in PASSING):
                    raise EmbeddedDatabaseError(
                        f"The embedded database at {self.cluster.data} did not start ({failure}): "
                        f"see {self.cluster.log}, then repair the directory or move it away, or set DATABASE_URL."
                    )
                launch = self.cluster.launch()
            time.sleep(POLL)
        raise EmbeddedDatabaseError(
            f"The embedded database at {self.cluster.data} was not ready within {START_TIMEOUT:.0f} s: "
            f"see {self.cluster.log}."
        )

    def _shut_down(self) -> None:
        running = self.cluster.postmaster()
        if running is None:
            return
        with suppress(ProcessLookupError):
            os.kill(running.pid, signal.SIGINT)  # "fast shutdown": ends the sessions and writes everything
        deadline = time.monotonic() + STOP_TIMEOUT
        while self.cluster.postmaster() is not None and time.monotonic() < deadline:
            time.sleep(POLL)


def answers(path: Path) -> bool:
    """Whether a server lives behind the socket; one that is being killed still lets clients connect."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(ANSWER_TIMEOUT)
        try:
            client.connect(str(path))
            client.sendall(SSL_REQUEST)
            return client.recv(1) != b""
        except OSError:
            return False


_servers: dict[Path, EmbeddedServer] = {}


def start(data: Path) -> Path:
    """See EmbeddedServer.start(); a process has one server object per data directory."""
    server = _servers.get(data)
    if server is None:
        server = _servers[data] = EmbeddedServer(data)
    return server.start()


def release() -> None:
    """See EmbeddedServer.release(), for every server that this process uses."""
    for server in _servers.values():
        server.release()
