"""Real machines to break: PostgreSQL servers and API processes that belong to one test."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import psycopg

from tests.support.clients import BETTER_AUTH_SECRET, mint
from todoproject import host
from todoproject.cluster import DATABASE, SUPERUSER, Cluster
from todoproject.env import BASE_DIR, Environment

WAIT_SECONDS = 30.0


def until(done: Callable[[], bool], what: str, seconds: float = WAIT_SECONDS) -> float:
    """Wait until something is so; return the seconds it took."""
    begun = time.monotonic()
    while not done():
        assert time.monotonic() - begun < seconds, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.01)
    return time.monotonic() - begun


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def short_directory() -> Path:
    """A directory whose sockets have short paths, open for the account that PostgreSQL runs as."""
    directory = Path(tempfile.mkdtemp(prefix="todo-ops-"))
    directory.chmod(0o755)
    return directory


class Postgres:
    """One server with its own data; `kill` is a power failure of the process, not of the disk."""

    def __init__(self, data: Path, **options: str) -> None:
        self.cluster = Cluster(data)
        self.options = options

    def start(self) -> None:
        self.cluster.verify_or_create()
        with (self.cluster.data / "postgresql.auto.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in self.options.items())
        self.options = {}
        self.cluster.launch()
        until(self.is_up, "PostgreSQL accepts connections")

    def is_up(self) -> bool:
        running = self.cluster.postmaster()
        return running is not None and running.ready

    @property
    def pid(self) -> int:
        running = self.cluster.postmaster()
        assert running is not None
        return running.pid

    def kill(self) -> None:
        """End the server and its sessions as the kernel would, without a word to anybody."""
        pid = self.pid
        os.kill(pid, signal.SIGKILL)
        until(lambda: self.cluster.postmaster() is None, "PostgreSQL is gone")
        until(lambda: not self._sessions(), "its sessions have noticed")

    def _sessions(self) -> list[int]:
        """Processes that still work in the data directory."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    if (entry / "cwd").resolve() == self.cluster.data:
                        found.append(int(entry.name))
                except OSError:
                    continue
        return found

    def restart(self) -> None:
        self.kill()
        self.start()

    @property
    def sockets(self) -> Path:
        return self.cluster.socket_directory()

    @property
    def url(self) -> str:
        return f"postgresql://{SUPERUSER}@/{DATABASE}?host={self.sockets}"

    def execute(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(sql, params)
            return cursor.fetchall() if cursor.description else []

    def remove(self) -> None:
        running = self.cluster.postmaster()
        if running is not None:
            for pid in self._sessions():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
            os.kill(running.pid, signal.SIGQUIT)
            until(lambda: self.cluster.postmaster() is None, "PostgreSQL is gone")
        shutil.rmtree(self.cluster.data, ignore_errors=True)
        self.cluster.log.unlink(missing_ok=True)
        with suppress(OSError):
            self.cluster.data.parent.rmdir()


def run_as_owner(directory: Path, *command: str, environment: dict[str, str] | None = None) -> None:
    """Run a program of PostgreSQL as the account that owns the directory."""
    subprocess.run(
        [str(host.binaries() / command[0]), *command[1:]],
        check=True,
        capture_output=True,
        cwd=directory,
        env={**os.environ, **(environment or {})},
        **host.identity(directory.stat()),
    )


@contextmanager
def postgres(data: Path | None = None, **options: str) -> Iterator[Postgres]:
    server = Postgres(data or short_directory() / "postgres", **options)
    try:
        server.start()
        yield server
    finally:
        server.remove()


class Api:
    """`make run` in a process of its own, as in production."""

    def __init__(self, database_url: str, **variables: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = Path(tempfile.mkstemp(prefix="todo-ops-", suffix=".log")[1])
        inherited = {name: value for name, value in os.environ.items() if name not in Environment.model_fields}
        self._environment = {
            **inherited,
            "DJANGO_DEBUG": "false",
            "DJANGO_SECRET_KEY": "a-key-that-only-the-tests-sign-with-0123456789",
            "BETTER_AUTH_SECRET": BETTER_AUTH_SECRET,
            "DATABASE_URL": database_url,
            "RATE_LIMIT_USER": "1000000/minute",
            "RATE_LIMIT_ANONYMOUS": "1000000/minute",
            "PORT": str(self.port),
            "SHUTDOWN_DELAY": "0.2",
            **variables,
        }
        self._clients: list[httpx.Client] = []
        self.process = self._launch()

    def _launch(self) -> "subprocess.Popen[bytes]":
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "todoproject.serve"],
                cwd=BASE_DIR,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def answers(self, path: str = "/api/health/live") -> bool:
        try:
            return httpx.get(self.url + path, timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def wait_until_ready(self) -> "Api":
        def ready() -> bool:
            assert self.process.poll() is None, self.log.read_text()
            return self.answers("/api/health/ready")

        until(ready, "the API is ready")
        return self

    def client(self, subject: str | None = None, **kwargs: Any) -> httpx.Client:
        headers = {"Authorization": f"Bearer {mint(subject)}"} if subject else {}
        self._clients.append(httpx.Client(base_url=f"{self.url}/api", headers=headers, timeout=30, **kwargs))
        return self._clients[-1]

    def terminate(self, seconds: float = 25) -> int:
        """SIGTERM; return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def remove(self) -> None:
        for client in self._clients:
            client.close()
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.unlink(missing_ok=True)


@contextmanager
def api(database_url: str, **variables: str) -> Iterator[Api]:
    process = Api(database_url, **variables)
    try:
        yield process.wait_until_ready()
    finally:
        process.remove()
