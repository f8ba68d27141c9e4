"""Many at once: writers of several kinds, readers, and transactions that commit out of order."""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.db import connection, connections

from tasks.models import Task
from tests.support.clients import User
from tests.support.live_server import LiveServer

from .refusals import assert_code
from .replica import Replica, live_tasks

Connection = psycopg.Connection[Any]
WAIT_SECONDS = 20


@pytest.fixture(autouse=True)
def _database(database: None) -> None:
    pass


@pytest.fixture
def other() -> Iterator[Connection]:
    """Somebody with a transaction of their own."""
    params = connection.get_connection_params()
    known = {name: params[name] for name in ("host", "port", "user", "password", "dbname") if params.get(name)}
    with psycopg.connect(**known) as opened:
        yield opened
        opened.rollback()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(12) as threads:
        yield threads


def until(reached: Callable[[], object]) -> None:
    """Ask again and again; the turn of another thread is what is waited for."""
    pause = threading.Event()
    for _ in range(WAIT_SECONDS * 100):
        if reached():
            return
        pause.wait(0.01)
    raise AssertionError("it did not happen")


def waits_for(blocker: Connection) -> bool:
    """Whether some session waits for a lock of ``blocker``."""
    # Asked of the server: behind a pooler the connection's own idea of it is another.
    session = blocker.execute("SELECT pg_backend_pid()").fetchone()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))", session)
        return cursor.fetchone() is not None


def edit_by_sql(other: Connection, task_id: str) -> bool:
    """Change a title, unless PostgreSQL chooses this side to end a deadlock."""
    try:
        other.execute("UPDATE tasks_task SET title = 'by SQL' WHERE id = %s", [task_id])
    except psycopg.errors.DeadlockDetected:
        other.rollback()
        return False
    other.commit()
    return True


def insert(other: Connection, user: User, title: str) -> None:
    other.execute(
        "INSERT INTO tasks_task (id, user_id, title, completed, revision, title_key)"
        " VALUES (gen_random_uuid(), %s, %s, false, 0, '')",
        [user.subject, title],
    )


def test_a_transaction_with_an_early_revision_that_commits_late_is_not_missed(
    alice: User, other: Connection, pool: ThreadPoolExecutor
) -> None:
    replica = Replica(alice)
    replica.catch_up()
    insert(other, alice, "early")  # has its revision now, and commits later
    late = pool.submit(alice.create_task, "late")
    until(lambda: late.done() or waits_for(other))
    replica.catch_up()
    other.commit()
    late.result()

    assert {task["title"] for task in replica.catch_up().values()} == {"early", "late"}
    assert replica.tasks == live_tasks(alice)


def test_a_transaction_that_is_undone_leaves_no_trace(alice: User, other: Connection, pool: ThreadPoolExecutor) -> None:
    replica = Replica(alice)
    replica.catch_up()
    insert(other, alice, "undone")
    kept = pool.submit(alice.create_task, "kept")
    until(lambda: kept.done() or waits_for(other))
    replica.catch_up()
    other.rollback()

    assert kept.result()["revision"] == 1
    assert replica.catch_up() == live_tasks(alice)


def write_by_the_api(user: User, shared: list[str], seed: int) -> None:
    for turn in range(15):
        mine = user.create_task(f"{seed}.{turn}")["id"]
        target = shared[(seed + turn) % len(shared)]
        user.patch(f"/tasks/{target}", json={"title": f"{seed}.{turn}"})
        user.patch(f"/tasks/{target}/complete", json={"completed": turn % 2 == 0})
        user.delete(f"/tasks/{mine if turn % 3 else target}")
        user.post(f"/tasks/{target}/restore")
        if turn % 5 == 4:
            user.delete(f"/tasks/{mine}")
            user.delete(f"/tasks/{mine}", params={"permanent": "true"})


def write_in_batches(user: User, shared: list[str]) -> None:
    for turn in range(15):
        operations: list[dict[str, Any]] = [{"op": "create", "task": {"title": f"batch {turn}"}} for _ in range(3)]
        operations.append({"op": "update", "id": shared[turn % 5], "task": {"title": f"batch {turn}"}})
        user.post("/tasks/batch", json={"operations": operations})


def write_by_django_and_sql(user: User) -> None:
    try:
        for turn in range(15):
            Task.unscoped.create(user_id=user.subject, title=f"django {turn}")
            with connection.cursor() as cursor:
                cursor.execute(
                    "UPDATE tasks_task SET title = %s WHERE id = (SELECT id FROM tasks_task"
                    " WHERE user_id = %s AND title LIKE 'django %%' ORDER BY random() LIMIT 1)",
                    [f"django {turn} changed", user.subject],
                )
    finally:
        connections.close_all()


def follow(replica: Replica, done: threading.Event) -> Replica:
    while not done.is_set():
        replica.pull()
    replica.catch_up()
    return replica


def test_readers_end_with_the_servers_state_whoever_writes(alice: User, pool: ThreadPoolExecutor) -> None:
    """Writers by the API, in batches, by Django and by SQL; readers with pages of every size meanwhile."""
    shared = [alice.create_task(f"shared {number}")["id"] for number in range(5)]
    done = threading.Event()

    readers = [pool.submit(follow, Replica(alice, limit), done) for limit in (1, 2, 7, 100)]
    writers = [pool.submit(write_by_the_api, alice, shared, seed) for seed in range(3)]
    writers += [pool.submit(write_in_batches, alice, shared), pool.submit(write_by_django_and_sql, alice)]
    try:
        for writer in writers:
            writer.result()
    finally:
        done.set()

    state = live_tasks(alice)
    assert len(state) > 50
    for reader in readers:
        assert reader.result().tasks == state


def test_readers_never_see_half_a_batch(alice: User, pool: ThreadPoolExecutor) -> None:
    ids = [alice.create_task("0")["id"] for _ in range(3)]
    done = threading.Event()

    def write() -> None:
        for number in range(1, 30):
            operations = [{"op": "update", "id": task_id, "task": {"title": str(number)}} for task_id in ids]
            failing = [*operations, {"op": "delete", "id": str(uuid4())}]
            assert_code(alice.post("/tasks/batch", json={"operations": failing}), 404, "not_found")
            assert alice.post("/tasks/batch", json={"operations": operations}).status_code == 200

    def read() -> set[str]:
        seen: set[str] = set()
        while not done.is_set():
            for items in (alice.tasks(), alice.get("/tasks/changes").json()["items"]):
                assert len({task["title"] for task in items}) == 1, items
                assert len(items) == 3
                seen.add(items[0]["title"])
        return seen

    readers = [pool.submit(read) for _ in range(2)]
    try:
        write()
    finally:
        done.set()

    assert all(len(reader.result()) > 1 for reader in readers)


def test_concurrent_batches_in_opposite_orders_all_succeed(alice: User, pool: ThreadPoolExecutor) -> None:
    ids = [alice.create_task()["id"] for _ in range(10)]

    def write(number: int) -> int:
        order = ids if number % 2 else ids[::-1]
        operations = [{"op": "update", "id": task_id, "task": {"title": str(number)}} for task_id in order]
        return int(alice.post("/tasks/batch", json={"operations": operations}).status_code)

    assert set(pool.map(write, range(40))) == {200}
    assert len(set(alice.titles())) == 1


def test_an_edit_that_takes_locks_in_another_order_costs_the_api_no_error(
    alice: User, other: Connection, pool: ThreadPoolExecutor
) -> None:
    """SQL locks the task and then, by its trigger, the account; the API the other way round: PostgreSQL ends one."""
    task = alice.create_task()
    other.execute("SELECT FROM tasks_task WHERE id = %s FOR UPDATE", [task["id"]])
    write = pool.submit(alice.patch, f"/tasks/{task['id']}", json={"completed": True})
    until(lambda: write.done() or waits_for(other))
    edited = edit_by_sql(other, task["id"])

    assert write.result().status_code == 200, write.result().text
    changed = alice.get_task(task["id"])
    assert (changed["title"], changed["completed"]) == ("by SQL" if edited else task["title"], True)


@pytest.mark.parametrize("key", [None, "k"])
def test_a_batch_survives_such_an_edit_as_well(
    alice: User, other: Connection, pool: ThreadPoolExecutor, key: str | None
) -> None:
    task = alice.create_task()
    body = {"operations": [{"op": "create", "task": {"title": "new"}}, {"op": "complete", "id": task["id"]}]}
    other.execute("SELECT FROM tasks_task WHERE id = %s FOR UPDATE", [task["id"]])
    headers = {} if key is None else {"Idempotency-Key": key}
    write = pool.submit(alice.post, "/tasks/batch", json=body, headers=headers)
    until(lambda: write.done() or waits_for(other))
    title = "by SQL" if edit_by_sql(other, task["id"]) else task["title"]

    assert write.result().status_code == 200, write.result().text
    assert {(item["title"], item["completed"]) for item in alice.tasks()} == {(title, True), ("new", False)}


def test_an_erasure_waits_for_what_is_in_flight_and_refuses_what_comes_later(
    alice: User, other: Connection, pool: ThreadPoolExecutor
) -> None:
    alice.create_task()
    insert(other, alice, "in flight")
    erasure = pool.submit(alice.request, "DELETE", "/me", json={"confirm": alice.subject})
    until(lambda: erasure.done() or waits_for(other))
    later = pool.submit(alice.post, "/tasks", json={"title": "later"})
    other.commit()

    assert erasure.result().status_code == 204
    assert later.result().status_code in (201, 403)
    assert not Task.unscoped.filter(user=alice.subject).exists()
    with pytest.raises(psycopg.Error, match="account_erased"):
        insert(other, alice, "too late")


def test_a_client_that_leaves_takes_its_whole_batch_along(alice: User, server: LiveServer, other: Connection) -> None:
    kept = alice.create_task("kept")
    other.execute("SELECT FROM tasks_task WHERE id = %s FOR UPDATE", [kept["id"]])
    operations = [{"op": "create", "task": {"title": "new"}}, {"op": "delete", "id": kept["id"]}]
    body = json.dumps({"operations": operations}).encode()
    head = (
        f"POST /api/tasks/batch HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {alice.token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with server.connect() as client:
        client.sendall(head.encode() + body)
        until(lambda: waits_for(other))
    until(lambda: not waits_for(other))
    other.rollback()

    assert alice.tasks() == [kept]
    assert alice.create_task()["revision"] == kept["revision"] + 1
