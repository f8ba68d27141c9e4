"""Isolation has two layers, and each holds when the other one is gone."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

from authn import statements as compiled
from authn.caller import Caller
from authn.ownership import OwnedQuerySet, owned_models
from authn.scope import execute
from tests.support import intruder
from tests.support.clients import NewUser, User
from tests.support.live_server import LiveServer

from .layers import forget_compiled, row_security


@pytest.fixture
def without_owner_filter(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Layer 1 forgets to filter: every statement is compiled as if it were for everybody."""

    def unfiltered(self: Any, owner: Any) -> Any:
        queryset = self._chain()
        queryset.query.owner = owner.subject if isinstance(owner, Caller) else owner
        return queryset

    monkeypatch.setattr(OwnedQuerySet, "owned_by", unfiltered)
    forget_compiled()
    yield
    monkeypatch.undo()
    forget_compiled()


def test_both_layers_hold(alice: User, bob: User) -> None:
    intruder.assert_nothing_foreign(alice, bob)


def test_the_database_holds_when_the_application_forgets_the_owner(
    alice: User, bob: User, without_owner_filter: None
) -> None:
    intruder.assert_nothing_foreign(alice, bob)


def test_the_database_holds_when_the_application_asks_for_another_owner(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim = intruder.Victim(bob)
    alice.create_task("her own")
    bind = compiled.Statement.bind

    def bind_bob(self: compiled.Statement, caller: Caller, values: Mapping[str, Any]) -> tuple[str, list[Any]]:
        return bind(self, Caller(bob.subject), values)

    monkeypatch.setattr(compiled.Statement, "bind", bind_bob)
    assert alice.tasks() == alice.tasks(trashed="true") == alice.tasks(q="secret") == []
    for task_id in victim.ids:
        for method, suffix in (("GET", ""), ("DELETE", ""), ("PATCH", "/complete"), ("POST", "/restore")):
            assert alice.request(method, f"/tasks/{task_id}{suffix}").status_code == 404
    assert alice.get("/tasks/changes").status_code >= 400 or alice.get("/tasks/changes").json()["items"] == []
    assert alice.post("/tasks", json={"title": "smuggled"}).status_code == 500  # refused by the policy's WITH CHECK
    monkeypatch.undo()

    assert victim.everything() == victim.before


def test_the_application_holds_when_the_database_has_no_policies(alice: User, bob: User, database: None) -> None:
    with row_security(False):
        intruder.assert_nothing_foreign(alice, bob)


def test_without_both_layers_the_intruder_would_be_noticed(
    alice: User, bob: User, database: None, without_owner_filter: None
) -> None:
    with row_security(False), pytest.raises(AssertionError):
        intruder.assert_nothing_foreign(alice, bob)


def test_the_database_shows_nothing_to_nobody(alice: User, server: LiveServer, database: None) -> None:
    alice.create_task()
    tables = [model._meta.db_table for model in owned_models()]
    with _as_api_role() as cursor:
        for table in tables:
            cursor.execute(f"SELECT count(*) FROM {table}")
            assert cursor.fetchone() == (0,)
        cursor.execute("SELECT count(*) FROM authn_account")
        assert cursor.fetchone() == (0,)


@contextmanager
def _as_api_role() -> Iterator[Any]:
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE todo_api")
        try:
            yield cursor
        finally:
            cursor.execute("RESET ROLE")


FORBIDDEN = (
    "SELECT * FROM auth_user",
    "SELECT * FROM django_session",
    "SELECT * FROM django_migrations",
    "UPDATE authn_account SET status = 'active'",
    "DELETE FROM authn_account",
    "INSERT INTO authn_account (id) VALUES ('x')",
    "TRUNCATE tasks_task",
    "ALTER TABLE tasks_task DISABLE ROW LEVEL SECURITY",
    "DROP TABLE tasks_task",
    "CREATE TABLE x (y int)",
    "CREATE FUNCTION x() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "COPY tasks_task TO PROGRAM 'cat'",
)


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_the_api_role_may_do_nothing_else(database: None, statement: str) -> None:
    from django.db import DatabaseError

    with (
        _as_api_role() as cursor,
        pytest.raises(DatabaseError, match=r"permission denied|must be owner|must be superuser or have"),
    ):
        cursor.execute(statement)


def test_the_scope_ends_with_the_call(alice: User, bob: User, server: LiveServer) -> None:
    """Nothing of role, owner or limits is left on any connection of the pool."""
    alice.create_task()
    names = "current_user, current_setting('app.user_id', true), current_setting('statement_timeout')"

    async def left_over() -> set[Any]:
        from authn.pool import connection as pooled
        from authn.scope import run

        found = set()
        for _ in range(10):
            async with pooled() as conn:
                (result,) = await run(conn, [(f"SELECT {names}, session_user = current_user", ())])
                found |= {row[1:] for row in result.rows}
        return found

    assert {(owner or "", same) for owner, _, same in server.run(left_over())} == {("", True)}


def test_the_scope_names_its_caller_only(alice: User, new_user: NewUser, server: LiveServer) -> None:
    async def scope_of(subject: str) -> Any:
        answer = await execute(
            Caller(subject),
            ("SELECT current_user::text, current_setting('app.user_id'), current_setting('TimeZone')", ()),
        )
        return answer.rows

    for subject in (alice.subject, "'; RESET ROLE; --", "a\\'b", "%s", "🐘", " x "):
        assert server.run(scope_of(subject)) == [("todo_api", subject, "UTC")]
