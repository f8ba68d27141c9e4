"""GET /me/export"""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

from tests.support.clients import Client, NewUser, User
from tests.support.server_process import ServerProcess, server_process
from tests.support.wire import Trace

from .refusals import assert_refuses_query, assert_refuses_strangers

MANY = 100_000
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def small_server(django_db_setup: None, django_db_blocker: Any) -> Iterator[ServerProcess]:
    """A server in a process of its own, with one connection to the database."""
    with django_db_blocker.unblock(), server_process(DATABASE_POOL_MAX="1") as process:
        yield process


def export(user: User) -> Any:
    response = user.get("/me/export")
    assert response.status_code == 200, response.text
    return response.json()


def fill(user: User, count: int) -> None:
    """``count`` tasks past the triggers, which would take minutes for so many in one transaction."""
    user.get("/me")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(
            "INSERT INTO tasks_task (id, user_id, title, description, completed, revision, title_key, search)"
            " SELECT gen_random_uuid(), %s, 'Task ' || n, repeat('x', 100), false, n, '', ''"
            " FROM generate_series(1, %s) n",
            [user.subject, count],
        )
        cursor.execute("UPDATE authn_account SET revision = %s WHERE id = %s", [count, user.subject])


def peak_bytes(process: ServerProcess) -> int:
    """The most memory that the process has had since `forget_peak` (proc(5), ``VmHWM``)."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return 1024 * int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])


def forget_peak(process: ServerProcess) -> None:
    Path(f"/proc/{process.pid}/clear_refs").write_text("5")


def test_a_stranger_is_refused(anonymous: Client) -> None:
    assert_refuses_strangers(anonymous, "GET", "/me/export")


def test_nothing_of_others_is_exported(alice: User, bob: User) -> None:
    bob.create_task("bob's")

    document = export(alice)

    assert document["tasks"] == []
    assert bob.subject not in json.dumps(document)


def test_query_parameters_are_refused(alice: User) -> None:
    assert_refuses_query(alice, "GET", "/me/export")


def test_everything_held_is_in_one_document(new_user: NewUser) -> None:
    carol = new_user("carol", email="carol@example.com", name='Carol "C" \u2028')
    live = carol.create_task("live", description='quoted "text"\n\\ 🐘', completed=True)
    gone = carol.create_task("gone")
    carol.trash(gone["id"])
    (trashed,) = carol.tasks(trashed="true")

    document = export(carol)

    account = {name: value for name, value in carol.get("/me").json().items() if name != "tasks"}
    assert document == {"account": account, "tasks": [live, trashed]}
    assert list(document["account"]) == ["id", "email", "name", "created_at", "last_seen_at"]
    assert account["id"] == carol.subject


def test_it_is_a_file_to_be_kept(alice: User) -> None:
    alice.create_task()

    response = alice.get("/me/export")

    assert response.headers["content-type"] == "application/json"
    assert response.headers["content-disposition"].startswith("attachment")
    assert response.headers["content-length"] == str(len(response.content))


def test_an_account_without_tasks_is_exported_on_first_sight(alice: User) -> None:
    assert export(alice)["tasks"] == []


def test_a_head_call_has_the_headers_alone(alice: User) -> None:
    alice.create_task()

    response = alice.head("/me/export")

    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-disposition"].startswith("attachment")


def test_it_shows_one_moment_while_others_write(alice: User) -> None:
    """Two tasks change in one transaction, again and again: an export never has one without the other."""
    ids = [alice.create_task("0")["id"] for _ in range(2)]

    def write() -> None:
        for number in range(1, 40):
            operations = [{"op": "update", "id": task_id, "task": {"title": str(number)}} for task_id in ids]
            assert alice.post("/tasks/batch", json={"operations": operations}).status_code == 200

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        while not writing.done():
            first, second = (task["title"] for task in export(alice)["tasks"])
            assert first == second
        writing.result()


def test_a_hundred_thousand_tasks_are_exported_in_flat_memory_and_erased(
    small_server: ServerProcess, new_user: NewUser, database: None
) -> None:
    alice, size = new_user("alice"), 0
    alice.base_url = f"{small_server.url}/api/"
    export(alice)
    fill(alice, MANY)
    forget_peak(small_server)
    before = small_server.resident_bytes
    with alice.stream("GET", "/me/export") as response:
        chunks = response.iter_bytes()
        tail = next(chunks)
        assert alice.get("/me").json()["tasks"]["open"] == MANY  # the one connection is free while we read on
        for chunk in chunks:
            size += len(chunk)
            tail = (tail + chunk)[-1000:]

    assert size > 30 * MIB
    assert tail.endswith(b'"deleted_at":null}]}')
    assert peak_bytes(small_server) - before < 12 * MIB

    assert alice.request("DELETE", "/me", json={"confirm": alice.subject}).status_code == 204
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM tasks_task WHERE user_id = %s", [alice.subject])
        assert cursor.fetchone() == (0,)
    assert peak_bytes(small_server) - before < 30 * MIB


def test_an_export_locks_nothing(alice: User, statements: Trace) -> None:
    alice.create_task()
    statements.reset()
    export(alice)

    assert not any("INSERT INTO authn_account" in line for line in statements.lines)
