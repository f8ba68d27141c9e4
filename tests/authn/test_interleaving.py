"""Hundreds of calls of many users over a few connections, with errors, disconnects and cancellations in the middle."""

import asyncio
import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from pytest_django import Settings

from authn.caller import Caller
from authn.problems import Unavailable
from authn.scope import execute, transaction
from tests.support.clients import NewUser, User
from tests.support.live_server import LiveServer

USERS = 12
CALLS = 30  # of each user over HTTP
CALLERS = 400  # directly on the pool
SCOPE = "SELECT current_setting('app.user_id'), current_user::text, pg_backend_pid()"


def use(user: User) -> int:
    """One user's day; the number of calls that were answered."""
    mark = f"of {user.subject}"
    task = user.create_task(mark)
    answered = 1
    for number in range(CALLS):
        choice = number % 6
        if choice == 0:
            created = user.create_task(mark, description=mark * 10)
            assert created["title"] == mark
        elif choice == 1:
            assert set(user.titles(limit=5)) == {mark}
        elif choice == 2:
            assert user.get_task(task["id"])["title"] == mark
        elif choice == 3:
            changed = user.patch(f"/tasks/{task['id']}", json={"description": f"{mark} {number}"})
            assert changed.json()["title"] == mark, changed.text
        elif choice == 4:
            me = user.get("/me").json()
            assert (me["id"], me["tasks"]["trashed"]) == (user.subject, 0)
        else:
            operations = [{"op": "create", "task": {"title": mark}}, {"op": "delete", "id": "0" * 8}]
            assert user.post("/tasks/batch", json={"operations": operations}).status_code == 404
        answered += 1
    return answered


async def in_scope(caller: Caller) -> None:
    """The scope of a statement is its caller's, however the statements before it ended."""
    answer = await execute(caller, (SCOPE, ()))
    assert answer.rows[0][:2] == (caller.subject, "todo_api")
    rows = (await execute(caller, ("SELECT DISTINCT user_id FROM tasks_task", ()))).rows
    assert rows in ([], [(caller.subject,)])


async def failing(caller: Caller) -> None:
    with pytest.raises(psycopg.DataError):
        await execute(caller, (SCOPE, ()), ("SELECT 1 / 0", ()))


async def failing_within_a_transaction(caller: Caller) -> None:
    with pytest.raises(psycopg.DataError):
        async with transaction(caller, (SCOPE, ())) as opened:
            await opened.run(("SELECT 'x'::int", ()))


async def given_up(caller: Caller) -> None:
    """Cancelled while it waits for a connection, for the server, or for the end of a transaction."""

    async def work() -> None:
        async with transaction(caller, (SCOPE, ())) as opened:
            await opened.run(("SELECT pg_sleep(0.02)", ()), (SCOPE, ()))
            await execute(Caller(f"not {caller.subject}"), ("SELECT pg_sleep(60)", ()))

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(work(), random.uniform(0.0001, 0.03))


async def cancelled(caller: Caller) -> None:
    task = asyncio.ensure_future(execute(caller, ("SELECT pg_sleep(60)", ()), (SCOPE, ())))
    await asyncio.sleep(random.uniform(0, 0.02))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def all_at_once(subjects: list[str]) -> list[BaseException]:
    kinds: list[Any] = [in_scope, in_scope, in_scope, failing, failing_within_a_transaction, given_up, cancelled]
    gate = asyncio.Semaphore(40)

    async def one(number: int) -> None:
        async with gate:
            caller = Caller(random.choice(subjects))
            await random.choice(kinds)(caller)
            await in_scope(caller)

    results = await asyncio.gather(*(one(number) for number in range(CALLERS)), return_exceptions=True)
    return [result for result in results if result is not None and not isinstance(result, Unavailable)]


def leave(server: LiveServer, user: User, calls: int) -> None:
    """Ask, and go away before the answer."""
    request = f"GET /api/tasks?q=of HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {user.token}\r\n\r\n"
    for _ in range(calls):
        with server.connect() as connection:
            connection.sendall(request.encode())


@pytest.mark.parametrize("prepare", [True, False])
def test_no_call_ever_sees_another_users_row_or_scope(
    server: LiveServer, new_user: NewUser, settings: Settings, prepare: bool
) -> None:
    settings.DATABASE_PREPARE = prepare
    users = [new_user(f"user{number}") for number in range(USERS)]
    subjects = [user.subject for user in users]

    with ThreadPoolExecutor(USERS + 2) as threads:
        direct = threads.submit(lambda: server.run(all_at_once(subjects)))
        leaving = threads.submit(leave, server, users[0], 40)
        answered = list(threads.map(use, users))

    assert direct.result() == []
    leaving.result()
    assert answered == [CALLS + 1] * USERS
    for user in users:
        assert set(user.titles(limit=200)) == {f"of {user.subject}"}
    server.run(in_scope(Caller(subjects[0])))


def test_no_thread_is_used_on_the_api_path(alice: User, threads: list[str]) -> None:
    task = alice.create_task()
    path = f"/tasks/{task['id']}"
    for method, suffix, body in (
        ("GET", "", None), ("PUT", "", {"title": "x"}), ("PATCH", "", {"title": "y"}), ("PATCH", "/complete", None),
        ("DELETE", "", None), ("POST", "/restore", None), ("DELETE", "?permanent=true", None),
    ):  # fmt: skip
        assert alice.request(method, path + suffix, json=body).status_code in (200, 204, 409)
    for url in (
        "/tasks",
        "/tasks?q=x",
        "/tasks/changes",
        "/me",
        "/me/export",
        "/health/ready",
        "/docs",
        "/openapi.json",
    ):
        assert alice.get(url).status_code == 200
    batch = {"operations": [{"op": "create", "task": {"title": "x"}}]}
    assert alice.post("/tasks/batch", json=batch, headers={"Idempotency-Key": "x"}).status_code == 200
    assert alice.get("/nothing").status_code == 404
    assert alice.request("DELETE", "/me", json={"confirm": alice.subject}).status_code == 204

    assert threads == []
