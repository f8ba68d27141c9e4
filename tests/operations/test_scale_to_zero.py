"""A serverless database that suspends: simulated, see `sleeper`; the pooler in it is a real PgBouncer."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
import pytest

from todoproject.cluster import DATABASE, SOCKET, SUPERUSER
from todoproject.env import BASE_DIR

from .load import under_load
from .machines import Api, Postgres, api, postgres, until
from .pooler import pgbouncer
from .sleeper import Sleeper, sleeper

WAKE = 3.0  # seconds; Neon names a few hundred milliseconds to a few seconds
TOKEN = "a-token-that-only-the-scraper-knows"


@dataclass(frozen=True)
class Service:
    """The API on a database that can be suspended."""

    api: Api
    database: Sleeper


@pytest.fixture(scope="module")
def database() -> Iterator[Postgres]:
    with postgres() as server:
        yield server


@pytest.fixture(scope="module")
def direct(database: Postgres) -> Iterator[Sleeper]:
    with sleeper(lambda: asyncio.open_unix_connection(database.sockets / SOCKET), WAKE) as made:
        yield made


@pytest.fixture(scope="module")
def pooled(database: Postgres) -> Iterator[Sleeper]:
    with pgbouncer(database) as url:
        port = urlsplit(url).port
        with sleeper(lambda: asyncio.open_connection("127.0.0.1", port), WAKE) as made:
            yield made


def url_of(endpoint: Sleeper) -> str:
    return f"postgresql://{SUPERUSER}@127.0.0.1:{endpoint.port}/{DATABASE}"


@pytest.fixture(scope="module", params=["direct", "pooled"])
def service(request: pytest.FixtureRequest) -> Iterator[Service]:
    endpoint = request.getfixturevalue(request.param)
    prepare = "true" if request.param == "direct" else "false"
    with api(url_of(endpoint), DATABASE_PREPARE=prepare, METRICS_TOKEN=TOKEN) as process:
        yield Service(process, endpoint)


def test_a_call_after_a_suspend_waits_and_succeeds(service: Service) -> None:
    alice = service.api.client("alice")
    alice.post("/tasks", json={"title": "before"})
    service.database.suspend()

    begun = time.monotonic()
    written = alice.post("/tasks", json={"title": "after"})
    elapsed = time.monotonic() - begun

    assert written.status_code == 201
    assert WAKE <= elapsed < WAKE + 1
    assert [task["title"] for task in alice.get("/tasks?limit=2").json()["items"]] == ["after", "before"]


def test_a_crowd_after_a_suspend_waits_once_and_succeeds(service: Service) -> None:
    service.api.client("bob").get("/tasks")
    service.database.suspend()
    wakes = service.database.wakes

    with under_load(service.api.url, clients=30) as load:
        until(lambda: load.statuses[201] > 60, "load")

    assert set(load.statuses) == {200, 201}
    assert (load.lost, load.wrong) == ([], [])
    assert load.longest >= WAKE - 0.5
    assert service.database.wakes == wakes + 1


def test_a_suspended_database_is_not_woken_by_the_idle_service(service: Service) -> None:
    service.api.client("carol").get("/tasks")
    service.database.suspend()
    before = service.database.connections

    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        alive = service.api.answers("/api/health/live")
        scraped = httpx.get(f"{service.api.url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
        assert (alive, scraped.status_code) == (True, 200)
        time.sleep(0.25)

    assert service.database.connections == before


def test_migrations_by_the_direct_address_of_a_suspended_database_wait_too(
    database: Postgres, direct: Sleeper, pooled: Sleeper
) -> None:
    database.execute("CREATE DATABASE fresh")
    direct.suspend()
    environment = {
        **os.environ,
        "DATABASE_URL": url_of(direct).replace(f"/{DATABASE}", "/fresh"),
        "PGOPTIONS": "-c lock_timeout=5s",
    }

    migrated = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--no-input"],
        cwd=BASE_DIR,
        env=environment,
        capture_output=True,
        check=False,
    )
    with api(url_of(pooled).replace(f"/{DATABASE}", "/fresh"), DATABASE_PREPARE="false") as server:
        written = server.client("alice").post("/tasks", json={"title": "first"})

    assert (migrated.returncode, written.status_code) == (0, 201), migrated.stderr
