"""Rare moments of the pool, the scope and the wire: each happens to somebody some day."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import CancelledError
from typing import Any

import psycopg
import pytest
from psycopg.waiting import Wait

from authn import pool, scope, wire
from authn.caller import Caller
from authn.models import Account
from authn.problems import Unavailable
from authn.retries import settled
from authn.scope import execute
from authn.watchdog import _cut
from tests.support.clients import Client, User, fresh_subject
from tests.support.live_server import LiveServer

ONE = ("SELECT 1", ())


def never() -> Iterator[Wait]:
    """A reader whose answer does not come."""
    while True:
        yield Wait.R


def test_a_scheme_without_a_token_is_no_credentials(anonymous: Client) -> None:
    response = anonymous.get("/tasks", headers={"Authorization": "Bearer"})

    assert response.status_code == 401
    assert response.json()["code"] == "not_authenticated"


def test_an_account_that_is_gone_is_made_again(alice: User, database: None) -> None:
    assert alice.get("/me").status_code == 200
    Account.objects.filter(pk=alice.subject).delete()

    assert alice.get("/me").json()["id"] == alice.subject
    assert Account.objects.filter(pk=alice.subject).exists()


def test_the_memory_of_callers_is_bounded(server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scope, "MIRROR_ENTRIES", 2)
    monkeypatch.setattr(scope, "_seen", type(scope._seen)())

    for _ in range(5):
        server.run(execute(Caller(fresh_subject("passer-by")), ONE))

    assert len(scope._seen) == 2


def test_an_idle_connection_that_is_cut_is_replaced(server: LiveServer) -> None:
    async def cut_one() -> None:
        async with pool.connection() as connection:
            pass
        _cut(connection)

    server.run(cut_one())

    for _ in range(10):
        assert server.run(execute(Caller(fresh_subject("next")), ONE)).rows == [(1,)]


def test_a_caller_cancelled_as_it_gets_its_connection_does_nothing_with_it(
    server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    living, given, used = pool._living, [], []

    async def cancelled_then(opened: Any) -> Any:
        given.append(await living(opened))
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        return given[0]

    async def work() -> None:
        async with pool.connection() as connection:
            used.append(connection)

    monkeypatch.setattr(pool, "_living", cancelled_then)
    with pytest.raises(CancelledError):
        server.run(work())

    assert given
    assert not used


def test_a_pool_opens_by_itself_and_once_for_each_loop(server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    class Elsewhere:
        pool = loop = watchdog = None

    async def use() -> tuple[Any, Any]:
        rows = (await execute(Caller(fresh_subject("elsewhere")), ONE)).rows
        opened = await pool.open_pool()
        again = await pool.open_pool()
        await pool.close_pool()
        await pool.close_pool()
        return rows, opened is again

    monkeypatch.setattr(pool, "_State", Elsewhere)

    assert asyncio.run(use()) == ([(1,)], True)


def test_only_a_deadlock_is_repeated() -> None:
    calls = []

    async def unavailable() -> None:
        calls.append(1)
        raise Unavailable

    with pytest.raises(Unavailable):
        asyncio.run(settled(unavailable))
    assert calls == [1]


def test_a_deadlock_is_repeated_so_often_and_no_more() -> None:
    calls = []

    async def deadlocked() -> None:
        calls.append(1)
        raise Unavailable from psycopg.errors.DeadlockDetected()

    with pytest.raises(Unavailable):
        asyncio.run(settled(deadlocked))
    assert calls == [1, 1, 1]


def test_a_statement_that_does_not_end_costs_its_connection(
    server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "CANCELLATIONS", 1)

    async def give_up() -> bool:
        async with pool.connection() as connection:
            await connection.end_statement(never)  # type: ignore[arg-type]
            return connection.closed

    assert server.run(give_up())


def test_a_second_cancellation_closes_the_connection_and_is_heard(server: LiveServer) -> None:
    async def cancelled_twice() -> bool:
        async with pool.connection() as connection:
            ending = asyncio.ensure_future(connection.end_statement(never))  # type: ignore[arg-type]
            done, _ = await asyncio.wait([ending], timeout=0.05)
            assert not done
            ending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await ending
            return connection.closed

    assert server.run(cancelled_twice())


def test_prepared_statements_do_not_pile_up(server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "PREPARED_MAX", 3)

    async def many() -> tuple[list[int], int]:
        async with pool.connection() as connection:
            found = [
                (await wire.run(connection, [(f"SELECT {number} + %s", (1,))], prepare=True))[0].rows[0][0]
                for number in range(10)
            ]
            return found, len(connection.prepared)

    found, kept = server.run(many())

    assert found == list(range(1, 11))
    assert kept <= 4


def test_text_with_nul_is_refused_before_it_is_cut_off(server: LiveServer) -> None:
    with pytest.raises(psycopg.DataError, match="NUL"):
        server.run(execute(Caller(fresh_subject("nul")), ("SELECT %s::text", ("a\0b",))))
