"""Starting and stopping: nobody is cut off, and the process says what it waits for."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator

import httpx
import psycopg
import pytest

from .load import under_load
from .machines import Api, Postgres, api, postgres, short_directory, until

TOKEN = "a-token-that-only-the-scraper-knows"


@pytest.fixture(scope="module")
def database() -> Iterator[Postgres]:
    with postgres() as server:
        yield server


def workers_of(process: "subprocess.Popen[bytes]") -> set[str]:
    """Process ids of the workers that uvicorn has spawned."""
    listed = subprocess.run(
        ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(process.pid)], capture_output=True, text=True, check=False
    ).stdout
    return {line.split()[0] for line in listed.splitlines() if "spawn_main" in line}


def test_what_is_in_flight_finishes_while_ready_says_503(database: Postgres) -> None:
    with api(database.url) as server, psycopg.connect(database.url) as blocker:
        alice = server.client("alice")
        alice.post("/tasks", json={"title": "first"})
        blocker.execute("SELECT FROM authn_account WHERE id = 'alice' FOR UPDATE")
        answers: list[httpx.Response] = []
        slow = threading.Thread(target=lambda: answers.append(alice.post("/tasks", json={"title": "slow"})))
        slow.start()
        waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        until(lambda: len(database.execute(waiting)) == 1, "the write waits for the lock")

        server.process.send_signal(signal.SIGTERM)
        until(lambda: not server.answers("/api/health/ready"), "ready says no")
        ready = server.client().get("/health/ready")
        still_served = server.client("bob").get("/tasks")
        blocker.rollback()
        slow.join()
        code = server.process.wait(20)

        assert (ready.status_code, ready.headers["Connection"]) == (503, "close")
        assert "shutting down" in ready.json()["detail"]
        assert still_served.status_code == 200
        assert [answer.status_code for answer in answers] == [201]
        assert code == 0
        until(
            lambda: len(database.execute("SELECT 1 FROM pg_stat_activity WHERE backend_type = 'client backend'")) == 2,
            "every connection of the pool is closed",
        )


def test_two_workers_share_their_numbers_and_restart_without_losing_a_request(database: Postgres) -> None:
    with api(database.url, WORKERS="2", METRICS_TOKEN=TOKEN, SHUTDOWN_DELAY="1") as server:
        before = workers_of(server.process)
        with under_load(server.url) as load:
            until(lambda: load.statuses[201] > 50, "load")
            server.process.send_signal(signal.SIGHUP)
            until(
                lambda: len(workers_of(server.process)) == 2 and not workers_of(server.process) & before,
                "new workers",
                seconds=60,
            )
            enough = load.statuses[201] + 50
            until(lambda: load.statuses[201] > enough, "the new workers serve")

        scraped = httpx.get(f"{server.url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).text
        counted = next(line for line in scraped.splitlines() if 'method="POST",route="/api/tasks",status="201"' in line)

        assert load.lost == []
        assert set(load.statuses) == {200, 201}
        assert load.missing(server.url) == set()
        assert float(counted.split()[-1]) == load.statuses[201]
        assert server.terminate() == 0


def test_a_platform_that_signals_parent_and_workers_alike_cuts_no_delay_short(database: Postgres) -> None:
    with api(database.url, WORKERS="2", SHUTDOWN_DELAY="2") as server:
        begun = time.monotonic()
        for pid in [*map(int, workers_of(server.process)), server.process.pid]:
            os.kill(pid, signal.SIGTERM)
        code = server.process.wait(20)

    assert code == 0
    assert time.monotonic() - begun > 2


def test_a_start_waits_for_the_database_and_says_so() -> None:
    database = Postgres(short_directory() / "postgres")
    try:
        database.start()
        database.kill()
        server = Api(database.url, DATABASE_WAIT="60")
        try:
            until(lambda: "Waiting up to 60 s for the database" in server.log.read_text(), "the log says so")
            database.start()
            server.wait_until_ready()
        finally:
            server.remove()
    finally:
        database.remove()


def test_a_database_that_does_not_come_ends_the_start_with_one_sentence() -> None:
    directory = short_directory()
    server = Api(f"postgresql://postgres@/todo?host={directory}", DATABASE_WAIT="0.5")
    try:
        begun = time.monotonic()
        code = server.process.wait(30)
        said = server.log.read_text()

        assert code != 0
        assert "The database cannot be used: check DATABASE_URL" in said
        assert "Traceback" not in said
        assert time.monotonic() - begun < 20
    finally:
        server.remove()
        directory.rmdir()
