"""Layer 2 as migration operations, and the checks that insist on it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.core.checks import run_checks
from django.core.management import CommandError
from django.db import ProgrammingError, connection, models, transaction
from django.db.migrations.state import ModelState, ProjectState

from authn import checks
from authn.ownership import OwnedModel, owned_models
from authn.rls import ROLE, CreateApiRole, IsolateByOwner
from todoproject.env import BASE_DIR

PROTECTION = """
SELECT c.relrowsecurity, coalesce(array_agg(p.polname::text) FILTER (WHERE p.polname IS NOT NULL), '{}'),
    has_table_privilege(%s, c.oid, 'SELECT'), has_table_privilege(%s, c.oid, 'DELETE')
FROM pg_class c LEFT JOIN pg_policy p ON p.polrelid = c.oid WHERE c.relname = %s GROUP BY c.oid, c.relrowsecurity
"""


def protection(table: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(PROTECTION, [ROLE, ROLE, table])
        return cursor.fetchone()


@pytest.fixture
def state() -> ProjectState:
    found = ProjectState()
    fields: list[tuple[str, models.Field[Any, Any]]] = [
        ("id", models.BigAutoField(primary_key=True)),
        ("owner", models.TextField()),
    ]
    found.add_model(ModelState("probe", "Note", fields))
    return found


@pytest.fixture
def editor(database: None, state: ProjectState) -> Iterator[Any]:
    """A table in a transaction that is undone."""
    with transaction.atomic():
        with connection.schema_editor() as schema_editor:
            schema_editor.create_model(state.apps.get_model("probe", "Note"))
            yield schema_editor
        transaction.set_rollback(True)


def test_isolating_a_table_is_reversible(editor: Any, state: ProjectState) -> None:
    operation = IsolateByOwner("Note", column="owner", privileges=("SELECT",))

    operation.database_forwards("probe", editor, state, state)
    isolated = protection("probe_note")
    operation.database_backwards("probe", editor, state, state)

    assert isolated == (True, ["owner_only"], True, False)
    assert protection("probe_note") == (False, [], False, False)
    assert operation.reversible


def test_the_policy_holds_for_reads_and_writes(editor: Any, state: ProjectState) -> None:
    IsolateByOwner("Note", column="owner").database_forwards("probe", editor, state, state)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO probe_note (owner) VALUES ('alice'), ('bob')")
        cursor.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {ROLE}")
        cursor.execute(f"SET LOCAL ROLE {ROLE}")
        counts = []
        for owner in ("alice", "bob", "carol", ""):
            cursor.execute("SELECT set_config('app.user_id', %s, true)", [owner])
            cursor.execute("SELECT array_agg(owner) FROM probe_note")
            counts.append(cursor.fetchone()[0])
        cursor.execute("SELECT set_config('app.user_id', 'alice', true)")
        cursor.execute("UPDATE probe_note SET owner = 'alice' WHERE owner = 'bob'")
        updated = cursor.rowcount
        for statement in ("INSERT INTO probe_note (owner) VALUES ('bob')", "UPDATE probe_note SET owner = 'bob'"):
            with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
                cursor.execute(statement)

    assert counts == [["alice"], ["bob"], None, None]
    assert updated == 0


def test_operations_survive_being_written_to_a_migration() -> None:
    for operation in (IsolateByOwner("Note", column="owner", privileges=("SELECT",)), CreateApiRole()):
        name, arguments, keywords = operation.deconstruct()
        again = type(operation)(*arguments, **keywords)
        assert name == type(operation).__name__
        assert again.deconstruct() == operation.deconstruct()
        assert again.describe()


def test_making_the_role_twice_is_as_good_as_once(editor: Any, state: ProjectState) -> None:
    for _ in range(2):
        CreateApiRole().database_forwards("authn", editor, state, state)
    CreateApiRole().database_backwards("authn", editor, state, state)


def test_the_role_can_do_nothing_by_itself(database: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolcanlogin, rolbypassrls, rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = %s",
            [ROLE],
        )
        assert cursor.fetchone() == (False,) * 5
        cursor.execute("SELECT count(*) FROM pg_class WHERE relowner = %s::regrole", [ROLE])
        assert cursor.fetchone() == (0,)


def test_missing_rights_say_what_an_administrator_must_run(
    editor: Any, state: ProjectState, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise ProgrammingError("permission denied to create role")

    monkeypatch.setattr(editor, "execute", refuse)

    with pytest.raises(CommandError, match=rf"CREATE ROLE {ROLE} NOLOGIN; GRANT {ROLE} TO .*then run migrate again"):
        CreateApiRole().database_forwards("authn", editor, state, state)


def test_every_owned_table_is_protected_in_the_database(database: None) -> None:
    for model in owned_models():
        assert protection(model._meta.db_table)[:3] == (True, ["owner_only"], True), model
    assert protection("authn_account") == (True, ["owner_only"], True, False)


def test_the_project_passes_its_own_checks() -> None:
    assert run_checks(tags=["authn"]) == []


def test_a_table_that_no_migration_isolates_fails_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "IsolateByOwner", type("Another", (), {}))  # as if no migration had the operation

    found = checks.owned_models_are_isolated(None)

    assert {(message.id, message.obj) for message in found} == {("authn.E001", model) for model in owned_models()}
    assert "Add authn.rls.IsolateByOwner('Task') to a migration of tasks." in {message.hint for message in found}


@pytest.fixture
def misled() -> Iterator[type[models.Model]]:
    """An owned model whose default manager is not `unscoped`."""

    class Misled(OwnedModel):
        mine = models.Manager()

        class Meta(OwnedModel.Meta):
            abstract = False
            app_label = "authn"
            default_manager_name = "mine"

    yield Misled
    del apps.all_models["authn"]["misled"]
    apps.clear_cache()


def test_another_default_manager_fails_the_check(misled: type[models.Model]) -> None:
    assert [(message.id, message.obj) for message in checks.owned_models_are_isolated(None)] == [("authn.E002", misled)]


def manage(url: str, *arguments: str) -> None:
    environment = os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "todoproject.settings"}
    finished = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr


def test_all_migrations_are_reversible(database: None) -> None:
    name, params = f"test_reverse_{uuid4().hex[:8]}", connection.get_connection_params()
    url = f"postgresql:///{name}?" + "&".join(
        f"{key}={params[key]}" for key in ("host", "port", "user", "password") if params.get(key)
    )
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
        try:
            manage(url, "migrate", "--verbosity=0")
            manage(url, "migrate", "tasks", "zero", "--verbosity=0")
            manage(url, "migrate", "authn", "zero", "--verbosity=0")
            manage(url, "migrate", "--verbosity=0")
            manage(url, "makemigrations", "--check", "--dry-run")
        finally:
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
