import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from todoproject.cluster import Cluster
from todoproject.env import BASE_DIR, Environment

SECRETS = {"DJANGO_SECRET_KEY": "k" * 32, "BETTER_AUTH_SECRET": "s" * 32}
USER = """
import sys
from pathlib import Path
from todoproject import embedded
print(embedded.start(Path(sys.argv[1])), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory of its own, with a short path and readable for the server's account."""
    directory = Path(tempfile.mkdtemp(prefix="todo-"))
    yield directory
    end_server(Cluster(directory / "postgres"))
    shutil.rmtree(directory)


def end_server(cluster: Cluster) -> None:
    """Kill the server of a directory that is about to go; sessions of it end by themselves."""
    running = cluster.postmaster()
    if running is not None:
        os.kill(running.pid, signal.SIGKILL)


@dataclass
class User:
    """Another process that uses the embedded server of a directory."""

    process: subprocess.Popen[str]
    socket: str

    def leave(self) -> None:
        self.process.communicate("")
        assert self.process.returncode == 0


@pytest.fixture
def another_user(place: Path) -> Iterator[Callable[[], User]]:
    started: list[subprocess.Popen[str]] = []

    def start() -> User:
        process = subprocess.Popen(
            [sys.executable, "-c", USER, str(place / "postgres")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=BASE_DIR,
        )
        started.append(process)
        assert process.stdout is not None
        return User(process, process.stdout.readline().strip())

    yield start
    for process in started:
        process.kill()
        process.communicate()


@dataclass
class Serving:
    """A server that `python -m todoproject.serve` runs, up to its announcement that it serves."""

    process: subprocess.Popen[str]
    port: int
    said: str

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send the signal and return the exit code."""
        self.process.send_signal(number)
        rest, _ = self.process.communicate()
        self.said += rest
        return self.process.returncode

    def client(self, token: str = "") -> httpx.Client:
        return httpx.Client(
            base_url=f"http://127.0.0.1:{self.port}/api", headers={"Authorization": f"Bearer {token}"} if token else {}
        )


@dataclass
class Checkout:
    """A copy of the project without `.env` and data, and the way to run its commands."""

    root: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def cluster(self) -> Cluster:
        return Cluster(self.root / ".data" / "postgres")

    def variables(self, **variables: str) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if name not in Environment.model_fields}
        inherited.pop("DJANGO_SETTINGS_MODULE", None)
        return {**inherited, **variables}

    def run(self, *command: str, python: str = sys.executable, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [python, *command],
            cwd=self.root,
            env=self.variables(**variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def start(self, **variables: str) -> Serving:
        """Start a server on a free port; it need not serve yet."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        process = subprocess.Popen(
            [sys.executable, "-m", "todoproject.serve"],
            cwd=self.root,
            env=self.variables(**{"PORT": str(port), **variables}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.started.append(process)
        return Serving(process, port, "")

    def serve(self, **variables: str) -> Serving:
        """Start a server and return when it serves."""
        serving = self.start(**variables)
        await_serving(serving)
        return serving


def await_serving(serving: Serving) -> None:
    assert serving.process.stdout is not None
    for line in serving.process.stdout:
        serving.said += line
        # One process listens last, several listen first.
        if "Application startup complete" in serving.said and "Uvicorn running on" in serving.said:
            return
    raise AssertionError(f"The server ended: {serving.said}")


def copy_project(root: Path) -> Checkout:
    root.mkdir()
    for package in ("authn", "tasks", "todoproject"):
        shutil.copytree(BASE_DIR / package, root / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(BASE_DIR / "manage.py", root)
    return Checkout(root)


@pytest.fixture
def bare_checkout(place: Path) -> Iterator[Checkout]:
    """A checkout that has never run."""
    checkout = copy_project(place / "checkout")
    yield checkout
    for process in checkout.started:
        if process.poll() is None:
            process.kill()
            process.communicate()
    end_server(checkout.cluster)


@pytest.fixture
def checkout(bare_checkout: Checkout, migrated: Path) -> Checkout:
    """A checkout whose database is made and migrated."""
    bare_checkout.cluster.data.parent.mkdir()
    copy_cluster(migrated, bare_checkout.cluster.data)
    return bare_checkout


@pytest.fixture(scope="session")
def migrated() -> Iterator[Path]:
    """A data directory with the project's tables, made once and only copied: making one takes seconds."""
    directory = Path(tempfile.mkdtemp(prefix="todo-"))
    checkout = copy_project(directory / "checkout")
    finished = checkout.run("manage.py", "migrate", DJANGO_DEBUG="true", **SECRETS)
    assert finished.returncode == 0, finished.stderr
    yield checkout.cluster.data
    shutil.rmtree(directory)


def copy_cluster(source: Path, target: Path) -> None:
    subprocess.run(["cp", "-a", source, target], check=True)  # with its owner, which shutil does not copy
