"""Behind PgBouncer 1.18 in transaction mode, without prepared statements: no state may outlive a transaction.

With them, `manage.py doctor` says that they are lost.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from authn.wire import Connection, run

from .doctor import examined
from .load import under_load
from .machines import Api, Postgres, api, postgres, until
from .pooler import pgbouncer


@pytest.fixture(scope="module")
def database() -> Iterator[Postgres]:
    with postgres() as server:
        yield server


@pytest.fixture(scope="module")
def pooler(database: Postgres) -> Iterator[str]:
    with pgbouncer(database, size=2) as url:
        yield url


@pytest.fixture(scope="module")
def server(pooler: str) -> Iterator[Api]:
    with api(pooler, DATABASE_PREPARE="false") as process:
        yield process


def test_every_kind_of_call_passes_the_pooler(server: Api) -> None:
    alice = server.client("alice")

    task = alice.post("/tasks", json={"title": "Süße % 'Grüße' \\", "description": "50% %s $1"}).json()
    path = f"/tasks/{task['id']}"
    completed = alice.patch(f"{path}/complete")
    changed = alice.patch(path, json={"title": "Renamed"}, headers={"If-Match": completed.headers["ETag"]})
    operations = [{"op": "create", "task": {"title": f"batch {number}"}} for number in range(3)]
    batch = alice.post("/tasks/batch", json={"operations": operations}, headers={"Idempotency-Key": "k"})
    replayed = alice.post("/tasks/batch", json={"operations": operations}, headers={"Idempotency-Key": "k"})
    found = alice.get("/tasks", params={"q": "batch", "sort": "title", "limit": "2"}).json()
    rest = alice.get("/tasks", params={"q": "batch", "sort": "title", "cursor": found["next_cursor"]}).json()
    changes = alice.get("/tasks/changes").json()
    exported = alice.get("/me/export")
    trashed = alice.delete(path)
    restored = alice.post(f"{path}/restore")
    erased = alice.request("DELETE", "/me", json={"confirm": "alice"})

    assert task["title"] == "Süße % 'Grüße' \\"
    assert (completed.status_code, changed.status_code, batch.status_code) == (200, 200, 200)
    assert replayed.headers["Idempotency-Replayed"] == "true"
    assert [item["title"] for item in [*found["items"], *rest["items"]]] == ["batch 0", "batch 1", "batch 2"]
    assert len(changes["items"]) == len(exported.json()["tasks"]) == 4
    assert (trashed.status_code, restored.status_code, erased.status_code) == (204, 200, 204)


def test_scopes_never_leak_between_clients_of_the_same_connections(server: Api) -> None:
    """Twelve users on two connections to the database: each is shown only what is theirs."""
    with under_load(server.url, clients=12, pause=0) as load:
        until(lambda: load.statuses[200] > 400, "load")

    assert set(load.statuses) == {200, 201}
    assert load.wrong == []
    assert load.missing(server.url) == set()


def test_nothing_of_a_scope_is_left_on_a_connection(server: Api, pooler: str) -> None:
    carol = server.client("carol")
    for _ in range(20):
        carol.get("/tasks")

    with psycopg.connect(pooler, autocommit=True) as connection:
        left = connection.execute(
            "SELECT current_user, coalesce(current_setting('app.user_id', true), ''), current_setting('lock_timeout')"
        ).fetchone()

    assert left == ("postgres", "", "0")


def test_a_pooler_that_loses_prepared_statements_never_runs_one_for_another(pooler: str) -> None:
    """DATABASE_PREPARE=true is the default, and wrong here: it may cost time or an error, but not somebody's tasks."""

    async def swapped() -> list[Any]:
        reader, other = [await Connection.connect(pooler, autocommit=True) for _ in range(2)]
        async with reader, other:
            async with reader.transaction():  # each has one of the two connections to the server
                await asked(reader, "SELECT 'read ' || %s")
                await asked(other, "SELECT 'deleted ' || %s")
            async with other.transaction():  # and now the one that the reader had
                await other.execute("SELECT 1")
                return await asked(reader, "SELECT 'read ' || %s")

    async def asked(connection: Connection, text: str) -> list[Any]:
        return (await run(connection, [(text, ("milk",))], prepare=True))[0].rows

    assert asyncio.run(swapped()) == [("read milk",)]


def test_prepared_statements_that_a_pooler_loses_are_prepared_again(pooler: str) -> None:
    operations = [{"op": "create", "task": {"title": "batch"}}]
    with api(pooler, DATABASE_PREPARE="true") as server, under_load(server.url, clients=4, pause=0) as load:
        carol = server.client("carol")
        statuses = Counter[int]()
        for _ in range(40):
            statuses[carol.post("/tasks/batch", json={"operations": operations}).status_code] += 1
            statuses[carol.get("/me/export").status_code] += 1

    assert set(statuses) | set(load.statuses) <= {200, 201}
    assert load.wrong == []


@pytest.mark.parametrize("size", [1, 2, 4])
@pytest.mark.parametrize("more", ["", "server_round_robin = 1"])
def test_doctor_finds_that_prepared_statements_are_lost(database: Postgres, size: int, more: str) -> None:
    with pgbouncer(database, size=size, more=more) as url:
        finding = examined(url, "pooler", DATABASE_PREPARE="true")

    assert (finding["level"], finding["fix"]) == ("error", "Set DATABASE_PREPARE=false.")


def test_doctor_is_content_where_no_prepared_statement_is_lost(database: Postgres, pooler: str) -> None:
    with pgbouncer(database, mode="session") as session:
        found = [
            examined(pooler, "pooler", DATABASE_PREPARE="false"),
            examined(session, "pooler", DATABASE_PREPARE="true"),
            examined(database.url, "pooler", DATABASE_PREPARE="true"),
        ]

    assert {finding["level"] for finding in found} == {"ok"}
    assert ["stands in between" in finding["message"] for finding in found] == [True, True, False]
