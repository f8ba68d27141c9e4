import uuid
from datetime import timedelta

import uuid_utils.compat
from django.contrib.postgres.indexes import BrinIndex, GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from authn.ownership import OwnedModel

TITLE_MAX = 200
DESCRIPTION_MAX = 10_000


def new_id() -> uuid.UUID:
    """A UUIDv7 (RFC 9562, section 5.7): in order of creation, and telling nothing about other users' tasks."""
    return uuid_utils.compat.uuid7()


class Length(models.Transform):
    function = "char_length"
    lookup_name = "length"
    output_field = models.IntegerField()


models.CharField.register_lookup(Length)
models.TextField.register_lookup(Length)


class Task(OwnedModel):
    """Something to do.

    The trigger ``tasks_task_stamp`` sets ``completed_at``, ``updated_at``, ``revision``, ``title_key`` and ``search``
    on every change, whoever makes it, and leaves a row alone whose values stay the same.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    title = models.CharField(max_length=TITLE_MAX)
    description = models.TextField(null=True, blank=True)
    completed = models.BooleanField(default=False)
    completed_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)
    revision = models.BigIntegerField(default=0, editable=False)
    # A column rather than an expression: under row-level security only leak-proof comparisons may use an index.
    title_key = models.TextField(default="", editable=False, db_collation="C")
    search = SearchVectorField(null=True, editable=False)

    class Meta(OwnedModel.Meta):
        abstract = False
        default_permissions = ("view",)
        permissions = [
            ("restore_task", "Can restore tasks from the trash"),
            ("show_content", "Can show the content of tasks"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(title__length__gte=1), name="tasks_task_title_not_empty"),
            models.CheckConstraint(
                condition=Q(description__length__lte=DESCRIPTION_MAX), name="tasks_task_description_length"
            ),
            models.CheckConstraint(
                condition=Q(completed=Q(completed_at__isnull=False)), name="tasks_task_completed_at_follows_completed"
            ),
            models.UniqueConstraint(fields=["user", "revision"], name="tasks_task_user_revision"),
        ]
        indexes = [
            models.Index(fields=["user", "created_at", "id"], condition=Q(deleted_at=None), name="tasks_live_created"),
            models.Index(fields=["user", "updated_at", "id"], condition=Q(deleted_at=None), name="tasks_live_updated"),
            models.Index(fields=["user", "title_key", "id"], condition=Q(deleted_at=None), name="tasks_live_title"),
            models.Index(fields=["user", "deleted_at"], condition=Q(deleted_at__isnull=False), name="tasks_trash"),
            models.Index(fields=["deleted_at"], condition=Q(deleted_at__isnull=False), name="tasks_purge"),
            GinIndex(fields=["search"], name="tasks_search", fastupdate=False),
            # For the admin: how many on which day.
            BrinIndex(fields=["created_at"], name="tasks_created_day", autosummarize=True),
            models.Index(fields=["completed_at"], condition=Q(completed_at__isnull=False), name="tasks_completed_day"),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class IdempotencyRecord(OwnedModel):
    """The first answer to a call with an Idempotency-Key, kept for its lifetime."""

    LIFETIME = timedelta(hours=24)

    key = models.CharField(max_length=255, db_collation="C")
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    headers = models.TextField()
    body = models.TextField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta(OwnedModel.Meta):
        abstract = False
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="tasks_idempotency_user_key")]
        indexes = [models.Index(fields=["created_at"], name="tasks_idempotency_created")]

    def __str__(self) -> str:
        return str(self.pk)
