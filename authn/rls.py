"""Layer 2: row-level security as migration operations (PostgreSQL documentation, "Row Security Policies")."""

from collections.abc import Sequence
from typing import Any

from django.core.management.base import CommandError
from django.db import ProgrammingError
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

ROLE = "todo_api"
OWNER_SETTING = "app.user_id"
# Since PostgreSQL 16 whoever makes a role without being a superuser is its member and yet may not become it.
MAY_BECOME = f"""pg_has_role(current_user, '{ROLE}',
    CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'MEMBER' ELSE 'SET' END)"""


class CreateApiRole(Operation):
    """Make the role that the API works in: no login, no bypass of row-level security, owner of nothing.

    Roles belong to the whole cluster, so it is shared by its databases and never dropped.
    """

    reversible = True
    atomic = True

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        pass

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        try:
            schema_editor.execute(_CREATE_ROLE, params=None)
            schema_editor.execute(f"GRANT USAGE ON SCHEMA {_schema(schema_editor)} TO {ROLE}", params=None)
        except ProgrammingError as error:
            raise CommandError(_role_advice(schema_editor)) from error

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        schema_editor.execute(f"REVOKE USAGE ON SCHEMA {_schema(schema_editor)} FROM {ROLE}", params=None)

    def describe(self) -> str:
        return f"Create the database role {ROLE}"


# Migrations of several databases of one cluster may run at once: losing that race is as good as winning it.
_CREATE_ROLE = f"""
DO $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('{ROLE}'));
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') THEN
        CREATE ROLE {ROLE} NOLOGIN NOBYPASSRLS NOSUPERUSER NOCREATEDB NOCREATEROLE;
    END IF;
    IF NOT {MAY_BECOME} THEN
        GRANT {ROLE} TO CURRENT_USER;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END $$
"""


def _schema(schema_editor: BaseDatabaseSchemaEditor) -> str:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(current_schema())")
        return str(cursor.fetchone()[0])


def _role_advice(schema_editor: BaseDatabaseSchemaEditor) -> str:
    user = schema_editor.connection.settings_dict["USER"] or "the application's role"
    return (
        f"This database user may not create the role {ROLE}. An administrator must run once: "
        f'CREATE ROLE {ROLE} NOLOGIN; GRANT {ROLE} TO "{user}"; then run migrate again.'
    )


class IsolateByOwner(Operation):
    """Let the API role see and write only the rows of ``model_name`` whose ``column`` is the owner of the transaction.

    Without an owner (``app.user_id`` unset or empty) no row is visible. ``privileges`` are what the role may do at all.
    """

    reversible = True

    def __init__(
        self,
        model_name: str,
        column: str = "user_id",
        privileges: Sequence[str] = ("SELECT", "INSERT", "UPDATE", "DELETE"),
    ) -> None:
        self.model_name = model_name
        self.column = column
        self.privileges = tuple(privileges)

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        kwargs = {"model_name": self.model_name, "column": self.column, "privileges": self.privileges}
        return (self.__class__.__qualname__, [], kwargs)

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        pass

    def _table(self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, state: ProjectState) -> str:
        model = state.apps.get_model(app_label, self.model_name)
        return schema_editor.quote_name(model._meta.db_table)

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        table = self._table(app_label, schema_editor, to_state)
        # The sub-select is evaluated once a statement, not once a row.
        owned = f"{schema_editor.quote_name(self.column)} = (SELECT current_setting('{OWNER_SETTING}', true))"
        for sql in (
            f"GRANT {', '.join(self.privileges)} ON {table} TO {ROLE}",
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
            f"CREATE POLICY owner_only ON {table} TO {ROLE} USING ({owned}) WITH CHECK ({owned})",
        ):
            schema_editor.execute(sql, params=None)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        table = self._table(app_label, schema_editor, from_state)
        for sql in (
            f"DROP POLICY owner_only ON {table}",
            f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
            f"REVOKE {', '.join(self.privileges)} ON {table} FROM {ROLE}",
        ):
            schema_editor.execute(sql, params=None)

    def describe(self) -> str:
        return f"Isolate the rows of {self.model_name} by {self.column}"
