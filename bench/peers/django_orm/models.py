"""The peers' table, as a model, and the queries that both Django peers make of it."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Q, QuerySet
from django.db.models.functions import Now


class Task(models.Model):
    id = models.BigAutoField(primary_key=True)
    user_id = models.CharField(max_length=255)
    title = models.CharField(max_length=200)
    description = models.CharField(max_length=10_000, null=True)
    completed = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        managed = False
        db_table = "task"

    def __str__(self) -> str:
        return self.title


async def page(user: str, limit: int, cursor: str | None, q: str) -> tuple[list[Task], str | None]:
    """The newest `limit` tasks after `cursor`, and the cursor of what follows them."""
    tasks: QuerySet[Task] = Task.objects.filter(user_id=user)
    for word in q.split():
        tasks = tasks.filter(Q(title__icontains=word) | Q(description__icontains=word))
    if cursor:
        moment, _, key = urlsafe_b64decode(cursor).decode().partition("|")
        created = datetime.fromisoformat(moment)
        tasks = tasks.filter(Q(created_at__lt=created) | Q(created_at=created, id__lt=int(key)))
    rows = [task async for task in tasks.order_by("-created_at", "-id")[: limit + 1]]
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    return rows[:limit], urlsafe_b64encode(f"{last.created_at.isoformat()}|{last.id}".encode()).decode()


async def change(user: str, task_id: int, values: dict[str, Any]) -> Task:
    """Updates a task of `user` and reads it back. Raises `Task.DoesNotExist`."""
    mine = Task.objects.filter(user_id=user, id=task_id)
    if not await mine.aupdate(**values, updated_at=Now()):
        raise Task.DoesNotExist
    return await mine.aget()


async def remove(user: str, task_id: int) -> None:
    """Deletes a task of `user`. Raises `Task.DoesNotExist`."""
    deleted, _ = await Task.objects.filter(user_id=user, id=task_id).adelete()
    if not deleted:
        raise Task.DoesNotExist
