"""Real Better Auth servers: installed once from the lock file, each with a schema of its own."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any, NoReturn
from uuid import uuid4

import pytest
from django.db import connection
from pytest_django import Settings
from pytest_django.plugin import DjangoDbBlocker

from authn.verifier import reset_verifier
from tests.support.clients import Client
from tests.support.live_server import LiveServer

from .process import HERE, BetterAuth, configured, free_port

SECRET = "5e8f0c1d7a3b49e2a6d4c8b1f7e09a35d2c6b8e4"
NewServer = Callable[..., BetterAuth]
NewDatabase = Callable[[], dict[str, Any]]


def unavailable(reason: str) -> NoReturn:
    """Skip on a developer's machine; on CI these tests must run."""
    if os.environ.get("CI"):
        pytest.fail(f"CI runs the tests against a real Better Auth server, but {reason}.")
    pytest.skip(f"not tried against a real Better Auth server: {reason}")


@pytest.fixture(scope="session")
def node() -> None:
    """Node and the packages of the lock file, installed by the first process that needs them."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        unavailable("node and npm (20 or newer) are not installed")
    lock, done = HERE / "package-lock.json", HERE / "node_modules" / ".package-lock.json"
    with (Path(tempfile.gettempdir()) / "better-auth-under-test.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if done.exists() and done.stat().st_mtime >= lock.stat().st_mtime:
            return
        installed = subprocess.run(
            ["npm", "ci", "--no-audit", "--no-fund"], cwd=HERE, capture_output=True, text=True, check=False
        )
    if installed.returncode != 0:
        unavailable(f"npm ci failed: {installed.stderr.strip()[-300:]}")


@pytest.fixture(scope="session")
def new_database(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[NewDatabase]:
    """Make an empty schema in the API's database; returns what node-postgres needs to work in it."""
    names: list[str] = []

    def execute(statement: str) -> Any:
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute(statement)
            return connection.connection.info

    def make() -> dict[str, Any]:
        names.append(f"better_auth_{uuid4().hex}")
        server = execute(f"CREATE SCHEMA {names[-1]}")
        return {
            "host": server.host,
            "port": server.port,
            "user": server.user,
            "password": server.password or None,
            "database": server.dbname,
            "options": f"-c search_path={names[-1]}",
        }

    yield make
    for name in names:
        execute(f"DROP SCHEMA {name} CASCADE")


@pytest.fixture(scope="session")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("better-auth") / "log"


@pytest.fixture(scope="session")
def started(new_database: NewDatabase) -> Iterator[ExitStack]:
    """Servers of the whole run, stopped before their schemas go."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def processes() -> Iterator[ExitStack]:
    """Servers of one test."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def new_server(node: None, new_database: NewDatabase, processes: ExitStack, log: Path) -> NewServer:
    """Start a Better Auth server that the test may stop: ``new_server(algorithm="ES256")``."""

    def start(*, port: int | None = None, **options: Any) -> BetterAuth:
        server = configured(port or free_port(), new_database(), log, SECRET, **options)
        processes.callback(server.close)
        return server.start()

    return start


@pytest.fixture(scope="session")
def any_server(node: None, new_database: NewDatabase, started: ExitStack, log: Path) -> NewServer:
    """A running Better Auth server with these options, which tests share and leave running."""

    @cache
    def start(**options: Any) -> BetterAuth:
        server = configured(free_port(), new_database(), log, SECRET, **options)
        started.callback(server.close)
        return server.start()

    return start


@pytest.fixture(autouse=True)
def no_token_settings(settings: Settings) -> Iterator[None]:
    """The API knows nobody until the test points it at a server."""
    for name in ("SECRET", "URL", "JWKS_URL", "ISSUER", "AUDIENCE"):
        setattr(settings, f"BETTER_AUTH_{name}", None)
    yield
    reset_verifier()


class Api:
    """The API as a front end sees it."""

    def __init__(self, server: LiveServer) -> None:
        self.url = server.url

    def get(self, path: str, token: str) -> Any:
        with self.client(token) as client:
            return client.get(path)

    def client(self, token: str) -> Client:
        return Client(self.url, {"Authorization": f"Bearer {token}"})

    def reason(self, token: str) -> str:
        """The sentence of the 401; fails when the token is accepted."""
        response = self.get("/me", token)
        assert response.status_code == 401, response.text
        return str(response.json()["detail"])


@pytest.fixture
def api(server: LiveServer) -> Api:
    return Api(server)
