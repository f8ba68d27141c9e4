"""What staff and operators do to tasks, and what they may read of them."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import Count, Q

from authn.audit import Actor, Refused, record

from .models import Task


class TaskNotInTrash(Refused):
    """There was nothing to restore."""


@transaction.atomic
def restore(task: Task, actor: Actor, reason: str = "") -> None:
    """Take a task out of the trash. Raises `TaskNotInTrash` when it is not there (any more)."""
    if not Task.unscoped.filter(pk=task.pk, deleted_at__isnull=False).update(deleted_at=None):
        raise TaskNotInTrash("This task is not in the trash.")
    record(actor, "task.restore", account=task.user_id, target=task.pk, reason=reason)


def counts(subjects: Iterable[str]) -> dict[str, dict[str, int]]:
    """Open, completed and trashed tasks of each account that has any, in one query."""
    live = Q(deleted_at=None)
    rows: Any = (
        Task.unscoped.filter(user__in=list(subjects))
        .order_by()
        .values("user_id")
        .annotate(
            open=Count("id", filter=live & Q(completed=False)),
            done=Count("id", filter=live & Q(completed=True)),
            trashed=Count("id", filter=~live),
        )
    )
    return {row.pop("user_id"): row for row in rows}
