"""Demo data at the speed of COPY: users ``demo-1`` … ``demo-N`` with M tasks each.

The rows arrive as the trigger would leave them, which is off meanwhile: it would cost several times what the COPY does.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import md5
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from authn.models import Account

from .models import Task, new_id

ROWS_A_TRANSACTION = 20_000  # other writers wait for one of them
COLUMNS = (
    "id, user_id, title, description, completed, completed_at, created_at, updated_at, revision, title_key, search"
)
VERBS = ("Buy", "Call", "Fix", "Read", "Write", "Plan", "Clean", "Book", "Water", "Return")
THINGS = (
    "milk",
    "the dentist",
    "the bicycle",
    "a novel",
    "the report",
    "the trip",
    "the oven",
    "a table",
    "the plants",
)


@dataclass(frozen=True, slots=True)
class _Template:
    """What the n-th task of every demo user has in common, as COPY text before and after the user's part."""

    title: str
    description: str | None
    completed: bool
    created_at: str
    words: tuple[str, ...]


def seed(users: int, tasks: int) -> Iterator[int]:
    """Make the users that are missing, and yield how many of ``users`` exist so far.

    An empty table is filled in one transaction that builds the indexes anew, which is faster, and leaves nothing when
    it is interrupted. Otherwise each transaction makes a few whole users, and a second run goes on from there.
    """
    if Task.unscoped.exists():
        yield from _blocks(users, tasks)
    else:
        with connection.schema_editor() as editor:
            for index in Task._meta.indexes:
                editor.remove_index(Task, index)
            yield from _blocks(users, tasks)
            for index in Task._meta.indexes:
                editor.add_index(Task, index)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE tasks_task, authn_account")


def _blocks(users: int, tasks: int) -> Iterator[int]:
    templates = [_template(number, tasks) for number in range(tasks)]
    block = max(1, ROWS_A_TRANSACTION // max(1, tasks))
    for first in range(1, users + 1, block):
        subjects = [f"demo-{number}" for number in range(first, min(first + block, users + 1))]
        known = set(Account.objects.filter(pk__in=subjects).values_list("pk", flat=True))
        _insert([subject for subject in subjects if subject not in known], templates)
        yield first + len(subjects) - 1


def _template(number: int, total: int) -> _Template:
    title = f"{VERBS[number % len(VERBS)]} {THINGS[number % len(THINGS)]} {number}"
    description = None if number % 4 else f"A note on task {number} of {total}"
    created = timezone.now().astimezone(UTC) - timedelta(minutes=total - number)
    words = tuple(sorted({*title.lower().split(), *(description or "").lower().split()}))
    return _Template(title, description, number % 3 == 0, created.isoformat(), words)


@transaction.atomic
def _insert(subjects: Sequence[str], templates: Sequence[_Template]) -> None:
    if not subjects:
        return
    now = datetime.now(UTC)
    Account.objects.bulk_create(
        [Account(pk=subject, revision=len(templates), created_at=now, last_seen_at=now) for subject in subjects]
    )
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE tasks_task DISABLE TRIGGER tasks_task_stamp")
        raw: Any = cursor.connection.cursor()
        with raw.copy(f"COPY tasks_task ({COLUMNS}) FROM STDIN") as copy:
            for subject in subjects:
                copy.write("".join(_rows(subject, templates)))
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # a table with checks outstanding cannot be altered
        cursor.execute("ALTER TABLE tasks_task ENABLE TRIGGER tasks_task_stamp")


def _rows(subject: str, templates: Sequence[_Template]) -> Iterator[str]:
    digest = md5(subject.encode(), usedforsecurity=False).hexdigest()[:10]
    for revision, row in enumerate(templates, 1):
        completed, completed_at = ("t", row.created_at) if row.completed else ("f", r"\N")
        description = r"\N" if row.description is None else row.description
        search = " ".join([digest + word for word in row.words])
        yield (
            f"{new_id()}\t{subject}\t{row.title}\t{description}\t{completed}\t{completed_at}\t{row.created_at}\t"
            f"{row.created_at}\t{revision}\t{row.title.lower()}\t{search}\n"
        )
