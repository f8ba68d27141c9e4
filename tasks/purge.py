"""Deleting for good what has been in the trash long enough, and idempotency records past their lifetime."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from authn.models import Account

from .models import IdempotencyRecord, Task

ROWS = 500

Position = tuple[datetime | None, UUID]


def purgeable_tasks(before: datetime) -> "QuerySet[Task]":
    return Task.unscoped.filter(deleted_at__lt=before)


def expired_records() -> "QuerySet[IdempotencyRecord]":
    return IdempotencyRecord.unscoped.filter(created_at__lt=timezone.now() - IdempotencyRecord.LIFETIME)


def purge_tasks(before: datetime) -> Iterator[int]:
    """Delete tasks trashed ``before``, oldest first, and yield the number deleted by each short transaction.

    Nothing waits: what somebody else is writing to is left to them, to another purge or to the next one.
    """
    seen: Position | None = None
    while True:
        with transaction.atomic():
            rows = list(_beyond(seen, purgeable_tasks(before)).values_list("deleted_at", "pk", "user_id")[:ROWS])
            deleted = _delete_unlocked([pk for _, pk, _ in rows], {owner for _, _, owner in rows}, before)
        if not rows:
            return
        seen = rows[-1][:2]
        yield deleted


def _beyond(seen: Position | None, tasks: "QuerySet[Task]") -> "QuerySet[Task]":
    if seen is not None:
        trashed, pk = seen
        tasks = tasks.filter(Q(deleted_at__gt=trashed) | Q(pk__gt=pk), deleted_at__gte=trashed)
    return tasks.order_by("deleted_at", "pk")


def _delete_unlocked(tasks: Sequence[UUID], owners: Collection[str], before: datetime) -> int:
    """The accounts are locked first, as the API does, and a task that was taken out of the trash meanwhile stays."""
    accounts = Account.objects.filter(pk__in=owners).order_by("pk").select_for_update(skip_locked=True, no_key=True)
    free = purgeable_tasks(before).filter(pk__in=tasks, user_id__in=list(accounts.values_list("pk", flat=True)))
    locked = list(free.select_for_update(skip_locked=True).values_list("pk", flat=True))
    return Task.unscoped.filter(pk__in=locked).delete()[0]


def purge_records() -> Iterator[int]:
    """Delete expired idempotency records in short transactions, and yield the number deleted by each."""
    while True:
        with transaction.atomic():
            batch = expired_records().order_by("created_at").select_for_update(skip_locked=True)
            locked = list(batch.values_list("pk", flat=True)[:ROWS])
            deleted, _ = IdempotencyRecord.unscoped.filter(pk__in=locked).delete()
        if not locked:
            return
        yield deleted
