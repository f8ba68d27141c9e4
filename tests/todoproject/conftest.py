import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

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
    running = Cluster(directory / "postgres").postmaster()
    if running is not None:
        os.kill(running.pid, 9)
    shutil.rmtree(directory)


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
class Checkout:
    """A copy of the project without `.env` and data, and the way to run its commands."""

    root: Path

    def variables(self, **variables: str) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if name not in Environment.model_fields}
        inherited.pop("DJANGO_SETTINGS_MODULE", None)
        return {**inherited, **variables}

    def run(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *command],
            cwd=self.root,
            env=self.variables(**variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )


@pytest.fixture
def checkout(place: Path) -> Checkout:
    root = place / "checkout"
    root.mkdir()
    for package in ("authn", "tasks", "todoproject"):
        shutil.copytree(BASE_DIR / package, root / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(BASE_DIR / "manage.py", root)
    return Checkout(root)
