"""A migration changes what a prepared statement returns: it is prepared again, and nobody notices."""

from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import connection as django_connection
from psycopg.errors import FeatureNotSupported

from authn.caller import Caller
from authn.retries import settled
from authn.scope import execute, transaction
from authn.wire import Rows
from tests.support.clients import User, fresh_subject
from tests.support.live_server import LiveServer


def run_sql(sql: str) -> None:
    with django_connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.fixture
def table(server: LiveServer, database: None) -> Iterator[str]:
    """A table of one row that the API may read."""
    name = fresh_subject("stale").replace("-", "_")
    run_sql(f"CREATE TABLE {name} (x int); GRANT SELECT ON {name} TO todo_api; INSERT INTO {name} VALUES (1)")
    yield name
    run_sql(f"DROP TABLE {name}")


async def by_itself(caller: Caller, table: str) -> Rows:
    return (await execute(caller, (f"SELECT * FROM {table} WHERE %s", (True,)))).rows


async def in_the_opening_of_a_transaction(caller: Caller, table: str) -> Rows:
    async with transaction(caller, (f"SELECT * FROM {table} WHERE %s", (True,))) as opened:
        return opened.answer.rows


async def later_in_a_transaction(caller: Caller, table: str) -> Rows:
    async def read() -> Rows:
        async with transaction(caller) as opened:
            (found,) = await opened.run((f"SELECT * FROM {table} WHERE %s", (True,)))
            return found.rows

    return await settled(read)


@pytest.mark.parametrize("read", [by_itself, in_the_opening_of_a_transaction, later_in_a_transaction])
def test_a_plan_that_a_migration_made_stale_is_prepared_again(
    alice: User, server: LiveServer, table: str, read: Callable[[Caller, str], Coroutine[Any, Any, Rows]]
) -> None:
    caller = Caller(alice.subject)

    before = [server.run(read(caller, table)) for _ in range(3)]
    run_sql(f"ALTER TABLE {table} ADD COLUMN y int")
    after = [server.run(read(caller, table)) for _ in range(3)]

    assert before == [[(1,)]] * 3
    assert after == [[(1, None)]] * 3


def test_what_stays_refused_is_not_tried_for_ever(server: LiveServer) -> None:
    tries = []

    async def refused() -> None:
        tries.append(1)
        raise FeatureNotSupported

    with pytest.raises(FeatureNotSupported):
        server.run(settled(refused))

    assert len(tries) == settings.DATABASE_POOL_MAX + 1
