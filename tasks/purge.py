"""Deleting for good what has been in the trash long enough, and idempotency records past their lifetime."""

from collections.abc import Iterator
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from authn.models import Account

from .models import IdempotencyRecord, Task

ACCOUNTS = 50
ROWS = 500


def purgeable_tasks(before: datetime) -> "QuerySet[Task]":
    return Task.unscoped.filter(deleted_at__lt=before)


def expired_records() -> "QuerySet[IdempotencyRecord]":
    return IdempotencyRecord.unscoped.filter(created_at__lt=timezone.now() - IdempotencyRecord.LIFETIME)


def purge_tasks(before: datetime) -> Iterator[int]:
    """Delete tasks trashed ``before``, and yield the number deleted by each short transaction.

    The accounts are locked first, as the API does, so that neither deadlocks the other. Rows of accounts that somebody
    else is writing to are left to them: another purge, or the next one.
    """
    while deleted := _purge_batch(before):
        yield deleted


@transaction.atomic
def _purge_batch(before: datetime) -> int:
    waiting = purgeable_tasks(before).order_by().values("user_id").distinct()
    locked = Account.objects.filter(pk__in=waiting).order_by("pk").select_for_update(skip_locked=True, no_key=True)
    owners = list(locked.values_list("pk", flat=True)[:ACCOUNTS])
    batch = purgeable_tasks(before).filter(user_id__in=owners).values("pk")[:ROWS]
    deleted, _ = Task.unscoped.filter(pk__in=batch).delete()
    return deleted


def purge_records() -> Iterator[int]:
    """Delete expired idempotency records in short transactions, and yield the number deleted by each."""
    while True:
        batch = expired_records().select_for_update(skip_locked=True).values("pk")[:ROWS]
        deleted, _ = IdempotencyRecord.unscoped.filter(pk__in=batch).delete()
        if not deleted:
            return
        yield deleted
