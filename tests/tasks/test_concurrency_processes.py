"""What holds over several server processes, which share nothing but the database."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any
from uuid import uuid4

import httpx
import pytest
from django.db import connection

from tasks.models import IdempotencyRecord, Task
from tests.support.clients import NewUser, User
from tests.support.server_process import ServerProcess, server_process

from .replica import Replica, live_tasks

Pair = tuple[User, User]


@pytest.fixture(scope="module")
def processes(django_db_setup: None, django_db_blocker: Any) -> Iterator[list[ServerProcess]]:
    with django_db_blocker.unblock(), ExitStack() as stack:
        yield [stack.enter_context(server_process(DATABASE_POOL_MAX="4")) for _ in range(2)]


@pytest.fixture
def alice_twice(processes: list[ServerProcess], new_user: NewUser, database: None) -> Pair:
    """One person, at two servers."""
    first = new_user("alice")
    second = new_user(subject=first.subject)
    for user, process in zip((first, second), processes, strict=True):
        user.base_url = f"{process.url}/api/"
    return first, second


def count_of(user: User) -> int:
    return int(Task.unscoped.filter(user=user.subject).count())


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/tasks", {"title": "once"}),
        ("/tasks/batch", {"operations": [{"op": "create", "task": {"title": "once"}}]}),
    ],
)
def test_any_number_of_identical_calls_makes_one_task(alice_twice: Pair, path: str, body: Any) -> None:
    """64 at once at two servers, by somebody whom neither has seen before."""
    key, start = uuid4().hex, threading.Barrier(64)

    def call(number: int) -> httpx.Response:
        start.wait()
        return alice_twice[number % 2].post(path, json=body, headers={"Idempotency-Key": key})

    with ThreadPoolExecutor(64) as clients:
        answers = list(clients.map(call, range(64)))

    first = [answer for answer in answers if "idempotency-replayed" not in answer.headers]
    assert len(first) == 1, [answer.text for answer in answers]
    for answer in answers:
        assert (answer.status_code, answer.content) == (first[0].status_code, first[0].content)
        for name in ("etag", "location"):
            assert answer.headers.get(name) == first[0].headers.get(name)
    assert count_of(alice_twice[0]) == 1
    assert IdempotencyRecord.unscoped.filter(user=alice_twice[0].subject).count() == 1


def test_one_key_for_different_requests_at_once_runs_one_of_them(alice_twice: Pair) -> None:
    key, start = uuid4().hex, threading.Barrier(16)

    def call(number: int) -> int:
        start.wait()
        body = {"title": str(number)}
        return int(alice_twice[number % 2].post("/tasks", json=body, headers={"Idempotency-Key": key}).status_code)

    with ThreadPoolExecutor(16) as clients:
        assert sorted(clients.map(call, range(16))) == [201] + [422] * 15
    assert count_of(alice_twice[0]) == 1


def test_writes_in_flight_of_an_erased_account_leave_no_row(alice_twice: Pair) -> None:
    first, second = alice_twice
    start = threading.Barrier(9)

    def write(number: int) -> set[int]:
        user, statuses = alice_twice[number % 2], set()
        start.wait()
        for turn in range(30):
            if number < 4:
                response = user.post("/tasks", json={"title": "x"})
            elif number < 6:
                headers = {"Idempotency-Key": f"{number}.{turn}"}
                response = user.post("/tasks", json={"title": "x"}, headers=headers)
            else:
                operations = [{"op": "create", "task": {"title": "x"}}] * 5
                response = user.post("/tasks/batch", json={"operations": operations})
            statuses.add(response.status_code)
            if response.status_code == 403:
                break
        return statuses

    with ThreadPoolExecutor(8) as clients:
        writers = [clients.submit(write, number) for number in range(8)]
        start.wait()
        while count_of(first) < 10:
            pass
        assert second.request("DELETE", "/me", json={"confirm": second.subject}).status_code == 204
        statuses = [writer.result() for writer in writers]

    assert set.union(*statuses) == {200, 201, 403}
    assert count_of(first) == 0
    assert not IdempotencyRecord.unscoped.filter(user=first.subject).exists()
    with connection.cursor() as cursor:
        cursor.execute("SELECT status, email, name FROM authn_account WHERE id = %s", [first.subject])
        assert cursor.fetchall() == [("erased", None, None)]


def test_readers_at_one_server_follow_writers_at_another(alice_twice: Pair) -> None:
    writer, reader = alice_twice
    done = threading.Event()

    def write(seed: int) -> None:
        for turn in range(20):
            task = writer.create_task(f"{seed}.{turn}")
            if turn % 2:
                reader.patch(f"/tasks/{task['id']}", json={"completed": True})
            if turn % 5 == 0:
                reader.trash(task["id"])

    def follow(limit: int) -> Replica:
        replica = Replica(reader, limit)
        while not done.is_set():
            replica.pull()
        replica.catch_up()
        return replica

    with ThreadPoolExecutor(6) as pool:
        replicas = [pool.submit(follow, limit) for limit in (1, 50)]
        writing = [pool.submit(write, seed) for seed in range(4)]
        try:
            for work in writing:
                work.result()
        finally:
            done.set()

    state = live_tasks(writer)
    assert len(state) == 4 * 16
    assert [replica.result().tasks == state for replica in replicas] == [True, True]


def test_an_erasure_at_one_server_is_known_to_the_other_at_once(alice_twice: Pair) -> None:
    first, second = alice_twice
    for user in alice_twice:
        user.create_task()

    assert first.request("DELETE", "/me", json={"confirm": first.subject}).status_code == 204
    assert [user.get("/tasks").status_code for user in alice_twice] == [403, 403]
    assert second.post("/tasks", json={"title": "x"}).status_code == 403
