"""Row-level security: in force on every owned table, and proven with a row that is never committed."""

import uuid
from collections.abc import Iterator
from typing import Any

from django.db import connection, transaction

from authn.models import Account
from authn.ownership import owned_models
from authn.rls import OWNER_SETTING, ROLE
from tasks.models import Task, new_id

from .findings import Finding, error, ok
from .queries import one

CHECK = "isolation"


def policies() -> Iterator[Finding]:
    tables = [Account._meta.db_table, *(model._meta.db_table for model in owned_models())]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_class c WHERE c.oid = ANY(%s::regclass[]) AND c.relrowsecurity"
            " AND pg_get_userbyid(c.relowner) <> %s AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid)",
            [tables, ROLE],
        )
        guarded = {name for (name,) in cursor.fetchall()}
    for table in sorted(set(tables) - guarded):
        yield error(
            CHECK,
            f"{table} is not protected by row-level security.",
            "Add authn.rls.IsolateByOwner to a migration of its app and run migrate; if it is there, somebody switched "
            f'it off: ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY',
        )
    if len(guarded) == len(tables):
        yield ok(CHECK, f"row-level security is on for {', '.join(tables)}")


def probe() -> Iterator[Finding]:
    """A task of a made-up person must be there for them, and for nobody else; the transaction is rolled back."""
    owner, stranger = f"doctor-{uuid.uuid4()}", f"doctor-{uuid.uuid4()}"
    with transaction.atomic():
        task = Task(id=new_id(), user_id=owner, title="A probe that is rolled back", completed=False)
        task.save(force_insert=True)
        seen = {
            who: _seen(subject, task.pk) for who, subject in (("owner", owner), ("stranger", stranger), ("nobody", ""))
        }
        changed = _changed(stranger, task.pk)
        transaction.set_rollback(True)
    if seen["stranger"] or seen["nobody"] or changed:
        yield error(
            CHECK,
            "A probe row was seen or changed from a foreign scope: people may see each other's tasks.",
            "Stop the API now, then compare the policies of tasks_task with what authn.rls.IsolateByOwner creates.",
        )
    elif not seen["owner"]:
        yield error(CHECK, "A probe row was hidden from its own owner.", f"Check the grants and policies of {ROLE}.")
    else:
        yield ok(CHECK, "a probe row was there for its owner and hidden from a stranger and from nobody")


def _scoped(subject: str, sql: str, *params: Any) -> int:
    """The number that ``sql`` selects as the API's role in the scope of ``subject``."""
    with transaction.atomic():
        one("SELECT set_config('role', %s, true), set_config(%s, %s, true)", ROLE, OWNER_SETTING, subject)
        (number,) = one(sql, *params)
        transaction.set_rollback(True)
    return int(number)


def _seen(subject: str, task_id: uuid.UUID) -> int:
    return _scoped(subject, "SELECT count(*) FROM tasks_task WHERE id = %s", task_id)


def _changed(subject: str, task_id: uuid.UUID) -> int:
    return _scoped(
        subject,
        "WITH t AS (UPDATE tasks_task SET completed = true WHERE id = %s RETURNING 1) SELECT count(*) FROM t",
        task_id,
    )
