"""The pool: bounded waits, cancelled statements, connections that ended, and both ways to send a statement."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from time import monotonic
from typing import Any

import psycopg
import pytest
from django.db import connection as django_connection
from pytest_django import Settings

from authn import pool, scope
from authn.caller import Caller
from authn.problems import Forbidden, Unavailable
from authn.scope import execute, transaction
from tests.support.clients import User, fresh_subject
from tests.support.live_server import LiveServer

ACTIVE = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE %s AND pid <> pg_backend_pid()"


@contextmanager
def all_connections_taken(server: LiveServer) -> Iterator[None]:
    """Every connection of the pool is in somebody's hands until the block ends."""
    stack = AsyncExitStack()

    async def take() -> None:
        for _ in range(pool.current_pool().max_size):  # type: ignore[union-attr]
            await stack.enter_async_context(pool.connection())

    server.run(take())
    try:
        yield
    finally:
        server.run(stack.aclose())


def eventually(condition: Any, seconds: float = 10) -> bool:
    """Whether ``condition`` becomes true in time; asks the database, which answers no sooner than it can."""
    deadline = monotonic() + seconds
    while monotonic() < deadline:
        if condition():
            return True
        threading.Event().wait(0.02)
    return False


def running(marker: str) -> int:
    with django_connection.cursor() as cursor:
        cursor.execute(ACTIVE, [f"%{marker}%"])
        return int(cursor.fetchone()[0])


@pytest.fixture(params=[True, False], ids=["prepared", "simple"])
def prepare(request: pytest.FixtureRequest, settings: Settings) -> bool:
    settings.DATABASE_PREPARE = request.param
    return bool(request.param)


def test_a_full_pool_is_503_after_a_bounded_wait(
    alice: User, server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool.current_pool(), "timeout", 0.2)
    with all_connections_taken(server):
        started = monotonic()
        response = alice.get("/tasks")
        waited = monotonic() - started

    assert (response.status_code, response.json()["code"]) == (503, "unavailable")
    assert int(response.headers["retry-after"]) >= 1
    assert "busy" in response.json()["detail"]
    assert waited < 5
    assert alice.get("/tasks").status_code == 200


def test_a_full_queue_is_503_at_once(alice: User, server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool.current_pool(), "max_waiting", 1)

    async def wait_and_ask() -> Any:
        waiting = asyncio.ensure_future(execute(Caller(alice.subject)))
        await asyncio.sleep(0)
        refused = await asyncio.gather(execute(Caller(alice.subject)), return_exceptions=True)
        waiting.cancel()
        return refused

    with all_connections_taken(server):
        (refused,) = server.run(wait_and_ask())

    assert isinstance(refused, Unavailable)


def test_a_waiting_call_is_served_when_a_connection_comes_back(alice: User, server: LiveServer) -> None:
    answers: list[int] = []
    with all_connections_taken(server):
        caller = threading.Thread(target=lambda: answers.append(alice.get("/tasks").status_code))
        caller.start()
        assert answers == []
    caller.join(10)

    assert answers == [200]


def test_a_disconnected_client_ends_its_statement(
    alice: User, server: LiveServer, database: None, monkeypatch: pytest.MonkeyPatch, prepare: bool
) -> None:
    marker = fresh_subject("slow")
    enter = scope._enter

    def slow(caller: Caller, write: bool) -> Any:
        text, params = enter(caller, write)
        return f"{text}, pg_sleep(30) /* {marker} */", params

    monkeypatch.setattr(scope, "_enter", slow)
    head = f"GET /api/tasks HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {alice.token}\r\n\r\n"
    with server.connect() as leaving:
        leaving.sendall(head.encode())
        assert eventually(lambda: running(marker) == 1)

    assert eventually(lambda: running(marker) == 0, 5)
    monkeypatch.undo()
    assert alice.get("/tasks").status_code == 200


def test_connections_that_the_server_ended_cost_nobody_an_error(alice: User, database: None, prepare: bool) -> None:
    task = alice.create_task()
    with django_connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        assert cursor.fetchone()[0] >= 1

    assert [alice.get(f"/tasks/{task['id']}").status_code for _ in range(10)] == [200] * 10


def test_a_lock_that_somebody_holds_is_waited_for_in_bounded_time(
    alice: User, server: LiveServer, settings: Settings
) -> None:
    alice.get("/me")  # her account is mirrored
    settings.DATABASE_STATEMENT_TIMEOUT_MS = 300
    me, stranger = Caller(alice.subject), Caller(alice.subject, "new@example.com")

    async def while_held() -> list[Any]:
        async with transaction(me):
            found = await asyncio.gather(execute(me, write=True), execute(stranger), return_exceptions=True)
            return [*found, await execute(me)]

    writer, newcomer, reader = server.run(while_held())

    assert isinstance(writer, Unavailable)
    assert isinstance(newcomer, Unavailable)  # its mirror wants the account's row
    assert isinstance(reader, scope.Answer)


def test_a_statement_over_its_time_is_503(alice: User, server: LiveServer, settings: Settings, prepare: bool) -> None:
    settings.DATABASE_STATEMENT_TIMEOUT_MS = 200
    caller = Caller(alice.subject)

    with pytest.raises(Unavailable):
        server.run(execute(caller, ("SELECT pg_sleep(30)", ())))

    assert server.run(execute(caller, ("SELECT 1", ()))).rows == [(1,)]


@pytest.mark.parametrize(("status", "code"), [("suspended", "account_suspended"), ("erased", "account_erased")])
def test_an_account_that_may_not_act_is_refused_in_the_same_round_trip(
    alice: User, server: LiveServer, database: None, status: str, code: str, prepare: bool
) -> None:
    from authn.models import Account

    task = alice.create_task()
    Account.objects.filter(pk=alice.subject).update(status=status)

    for response in (alice.get("/tasks"), alice.get(f"/tasks/{task['id']}"), alice.post("/tasks", json={"title": "x"})):
        assert (response.status_code, response.json()["code"]) == (403, code)
    with pytest.raises(Forbidden):
        server.run(execute(Caller(alice.subject), write=True))
    Account.objects.filter(pk=alice.subject).update(status="active")
    assert alice.get_task(task["id"]) == task


VALUES: list[Any] = [
    "text", "", "'; --", "a\\b'c", '"', "%s %% %", "🐘\u2028", "$1", "x" * 100_000, None, True, False, 0, -1, 2**62,
    1.5, [1, 2], [],
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_arrives_as_it_was_sent(alice: User, server: LiveServer, prepare: bool, value: Any) -> None:
    kind = {str: "text", bool: "boolean", int: "bigint", float: "float8", list: "bigint[]", type(None): "text"}[
        type(value)
    ]

    answer = server.run(execute(Caller(alice.subject), (f"SELECT %s::{kind}, '%%', %s::{kind}", (value, value))))

    assert answer.rows == [(value, "%", value)]


def test_text_with_nul_is_refused_before_anything_is_sent(
    alice: User, server: LiveServer, database: None, prepare: bool
) -> None:
    caller = Caller(alice.subject)
    insert = ("SELECT set_config('app.seen', 'x', false)", ())

    with pytest.raises(psycopg.DataError, match="NUL"):
        server.run(execute(caller, insert, ("SELECT %s", ("a\0b",))))

    assert server.run(execute(caller, ("SELECT 1", ()))).rows == [(1,)]


def test_many_shapes_of_statements_do_not_pile_up_on_a_connection(alice: User, server: LiveServer) -> None:
    caller = Caller(alice.subject)

    async def many() -> list[Any]:
        found = []
        for number in range(300):
            found += (await execute(caller, (f"SELECT {number} WHERE %s", (True,)))).rows
        async with pool.connection() as conn:
            assert len(conn.prepared) <= 300
        return found

    assert server.run(many()) == [(number,) for number in range(300)]


def test_a_large_statement_is_sent_whole(alice: User, server: LiveServer, prepare: bool) -> None:
    text = "x" * 3_000_000

    answer = server.run(execute(Caller(alice.subject), ("SELECT %s::text", (text,)), ("SELECT length(%s)", (text,))))

    assert [result.rows for result in answer.results] == [[(text,)], [(len(text),)]]


def test_an_error_undoes_the_whole_call(alice: User, server: LiveServer, prepare: bool) -> None:
    caller, task = Caller(alice.subject), alice.create_task()

    with pytest.raises(psycopg.DataError):
        server.run(
            execute(caller, ("UPDATE tasks_task SET title = 'lost' WHERE id = %s", (task["id"],)), ("SELECT 1/0", ()))
        )

    assert alice.get_task(task["id"]) == task
