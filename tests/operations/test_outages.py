"""A database that dies, freezes, fills up or turns callers away: 503 while it lasts, soon, and nothing is lost."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx
import psycopg
import pytest

from .load import listed, under_load
from .machines import Api, Postgres, api, postgres, short_directory, until

BOUND = 6.0  # seconds: the timeouts below, the slack of the client's own deadline, and a busy machine
TIMEOUTS = {"DATABASE_STATEMENT_TIMEOUT_MS": "1000", "DATABASE_POOL_TIMEOUT": "1"}


@pytest.fixture(scope="module")
def database() -> Iterator[Postgres]:
    with postgres() as server:
        yield server


@pytest.fixture(scope="module")
def server(database: Postgres) -> Iterator[Api]:
    with api(database.url, **TIMEOUTS) as process:
        yield process


def test_a_killed_database_costs_503s_while_it_is_away_and_no_acknowledged_write(
    database: Postgres, server: Api
) -> None:
    with under_load(server.url) as load:
        until(lambda: load.statuses[201] > 50, "load")
        died = time.monotonic()
        database.kill()
        until(lambda: load.statuses[503] > 20, "the outage is felt")
        database.start()
        returned = time.monotonic()
        enough = load.statuses[201] + 100
        until(lambda: load.statuses[201] > enough, "the API serves again")

    recovered = min(moment for moment in load.successes if moment > returned)
    assert set(load.statuses) <= {200, 201, 503}
    assert load.lost == []
    assert load.wrong == []
    assert min(load.failures) >= died
    assert recovered - returned < 2
    assert max(load.failures) - returned < 2
    assert load.missing(server.url) == set()


def test_a_frozen_database_is_given_up_in_bounded_time(database: Postgres, server: Api) -> None:
    alice = server.client("alice")
    alice.get("/tasks")
    frozen = database._sessions()
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    try:
        begun = time.monotonic()
        answer = alice.get("/tasks")
        elapsed = time.monotonic() - begun
        alive = server.client().get("/health/live")
        ready = server.client().get("/health/ready")
    finally:
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)

    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) >= 1
    assert elapsed < BOUND
    assert (alive.status_code, ready.status_code) == (200, 503)
    assert until(lambda: alice.get("/tasks").status_code == 200, "it serves again", seconds=10) < BOUND


def test_a_lock_that_somebody_holds_costs_its_user_a_503_and_others_nothing(database: Postgres, server: Api) -> None:
    alice, bob = server.client("alice"), server.client("bob")
    for caller in (alice, bob):
        caller.post("/tasks", json={"title": "first"})
    with psycopg.connect(database.url) as blocker:
        blocker.execute("SELECT 1 FROM authn_account WHERE id = 'alice' FOR UPDATE")
        answers: list[httpx.Response] = []
        begun = time.monotonic()
        blocked = threading.Thread(target=lambda: answers.append(alice.post("/tasks", json={"title": "second"})))
        blocked.start()
        meanwhile = [bob.post("/tasks", json={"title": "second"}) for _ in range(5)]
        blocked.join()
        elapsed = time.monotonic() - begun

    assert [answer.status_code for answer in meanwhile] == [201] * 5
    assert [answer.status_code for answer in answers] == [503]
    assert 1 <= elapsed < BOUND
    assert alice.post("/tasks", json={"title": "third"}).status_code == 201


def end_sessions(database: Postgres) -> None:
    """End every session of the API as an administrator would, and wait until the processes are gone."""
    others = "FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    ended = [pid for (pid, _) in database.execute(f"SELECT pid, pg_terminate_backend(pid) {others}")]
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in ended), "the sessions have ended")


def test_a_session_that_ended_meanwhile_costs_nobody_an_error(database: Postgres, server: Api) -> None:
    alice = server.client("alice")
    alice.get("/tasks")

    statuses = []
    for _ in range(5):
        end_sessions(database)
        statuses.append(alice.post("/tasks", json={"title": "after a reset"}).status_code)

    assert statuses == [201] * 5


def test_a_session_that_ends_in_the_middle_of_a_query_is_a_503(database: Postgres, server: Api) -> None:
    alice = server.client("alice")
    alice.post("/tasks", json={"title": "first"})
    before = len(alice.get("/tasks?limit=200").json()["items"])
    with psycopg.connect(database.url) as blocker:
        blocker.execute("SELECT 1 FROM authn_account WHERE id = 'alice' FOR UPDATE")
        answers: list[httpx.Response] = []
        cut = threading.Thread(target=lambda: answers.append(alice.post("/tasks", json={"title": "cut off"})))
        cut.start()
        waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        until(lambda: len(database.execute(waiting)) == 1, "the write waits")
        database.execute(f"SELECT pg_terminate_backend(({waiting}))")
        cut.join()

    assert [answer.status_code for answer in answers] == [503]
    assert len(alice.get("/tasks?limit=200").json()["items"]) == before


def test_a_database_without_free_connections_is_a_503_until_there_are_some(database: Postgres, server: Api) -> None:
    alice = server.client("alice")
    alice.get("/tasks")
    end_sessions(database)
    with taking_every_connection(database):
        begun = time.monotonic()
        answer = alice.get("/tasks")
        elapsed = time.monotonic() - begun

    assert answer.status_code == 503
    assert elapsed < BOUND
    assert until(lambda: alice.get("/tasks").status_code == 200, "it serves again") < BOUND


@contextmanager
def taking_every_connection(database: Postgres) -> Iterator[None]:
    with ExitStack() as held:
        with suppress(psycopg.OperationalError):
            for _ in range(300):
                held.enter_context(psycopg.connect(database.url))
        yield


@contextmanager
def small_disk() -> Iterator[Path]:
    """A file system of its own, which can really be full."""
    directory = short_directory()
    administrator = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
    mount = [*administrator, "mount", "-t", "tmpfs", "-o", "size=200m,mode=0755", "tmpfs", str(directory)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("a disk that is really full needs the right to mount one")
    try:
        yield directory
    finally:
        subprocess.run([*administrator, "umount", str(directory)], check=True)
        directory.rmdir()


def fill(disk: Path, leave: int) -> Path:
    """Take all space but ``leave`` bytes."""
    status = os.statvfs(disk)
    ballast = disk / "ballast"
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, status.f_bavail * status.f_frsize - leave)
    return ballast


def test_a_full_disk_refuses_what_does_not_fit_and_serves_the_rest() -> None:
    with small_disk() as disk, postgres(disk / "postgres") as database, api(database.url, **TIMEOUTS) as server:
        alice = server.client("alice")
        acknowledged = [alice.post("/tasks", json={"title": "small"}).json()["id"]]
        ballast = fill(disk, leave=1024 * 1024)

        answer = alice.post("/tasks", json={"title": "large", "description": random_text(9_900)})
        while answer.status_code == 201 and len(acknowledged) < 2000:
            acknowledged.append(answer.json()["id"])
            answer = alice.post("/tasks", json={"title": "large", "description": random_text(9_900)})
        read = alice.get(f"/tasks/{acknowledged[0]}")
        ballast.unlink()
        again = alice.post("/tasks", json={"title": "large", "description": random_text(9_900)})

        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert read.status_code == 200
        assert again.status_code == 201
        assert set(acknowledged) <= set(listed(server.url, "alice"))


def random_text(length: int) -> str:
    """Text that does not compress."""
    return os.urandom(length).hex()[:length]
