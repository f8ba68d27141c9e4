"""The statements of the task API, each compiled once from an owned queryset."""

from functools import cache, lru_cache

from django.db import models
from django.db.models import F
from django.db.models.functions import Now

from authn.statements import OWNER, Param, Statement, delete, insert, select, update

from .models import Task
from .schemas import EDITABLE, FIELDS


class AnyOf(models.Func):
    """``column = ANY(array)``, whatever the array's length."""

    template = "(%(expressions)s))"
    arg_joiner = " = ANY("
    output_field = models.BooleanField()


def _owned() -> "models.QuerySet[Task]":
    return Task.objects.owned_by(OWNER)


def _one(trashed: bool = False, checked: bool = False) -> "models.QuerySet[Task]":
    """The task ``id``, live or in the trash, if its revision is among ``revisions`` when ``checked``."""
    found = _owned().filter(id=Param("id"), deleted_at__isnull=not trashed)
    return found.filter(AnyOf(F("revision"), Param("revisions"))) if checked else found


@cache
def get_task(checked: bool = False) -> Statement:
    """Row: JSON, revision."""
    return select(_one(checked=checked).values(*FIELDS)).as_json("revision")


@cache
def find_task() -> Statement:
    """Row: revision, deleted_at; of a live task or one in the trash."""
    return select(_owned().filter(id=Param("id")).values_list("revision", "deleted_at"))


@cache
def create_tasks(count: int = 1) -> Statement:
    """``count`` tasks whose values are ``id_0``, ``title_0``, … Rows: JSON, revision."""
    names = ("id", *EDITABLE)
    rows = [{name: Param(f"{name}_{number}") for name in names} for number in range(count)]
    return insert(Task, rows, FIELDS).as_json("revision")


@cache
def change_task(fields: tuple[str, ...], checked: bool) -> Statement:
    """Set ``fields`` of a live task. Row: JSON, revision."""
    values = {name: Param(name) for name in fields}
    return update(_one(checked=checked), FIELDS, **values).as_json("revision")


@cache
def trash_task(checked: bool) -> Statement:
    return update(_one(checked=checked), FIELDS, deleted_at=Now()).as_json("revision")


@cache
def restore_task(checked: bool) -> Statement:
    return update(_one(trashed=True, checked=checked), FIELDS, deleted_at=None).as_json("revision")


@cache
def purge_task(checked: bool) -> Statement:
    """Delete a task of the trash for good."""
    return delete(_one(trashed=True, checked=checked), ("id",))


@lru_cache(maxsize=512)
def changes(limit: int) -> Statement:
    """Tasks changed after revision ``after``, but for those in the trash since before ``base``. Row: JSON, revision.

    One task more than ``limit`` says that more is waiting.
    """
    unseen = models.Q(deleted_at=None) | models.Q(revision__gt=Param("base"))
    found = _owned().filter(unseen, revision__gt=Param("after"))
    return select(found.order_by("revision")[: limit + 1].values(*FIELDS)).as_json("revision")


@cache
def every_task() -> Statement:
    """Row: JSON; trashed ones too, oldest first."""
    return select(_owned().order_by("created_at", "id").values(*FIELDS)).as_json()


@cache
def count_tasks() -> Statement:
    """Row: open, completed, trashed; none without tasks."""
    live = models.Q(deleted_at=None)
    counts = {
        "open": models.Count("id", filter=live & models.Q(completed=False)),
        "done": models.Count("id", filter=live & models.Q(completed=True)),
        "trashed": models.Count("id", filter=~live),
    }
    return select(_owned().order_by().values("user_id").annotate(**counts).values(*counts))
