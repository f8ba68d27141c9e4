"""The statement of a list: a page by keyset, filtered, sorted, searched."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db import models
from django.db.models import F

from authn.statements import OWNER, Param, Statement, select

from .models import Task
from .schemas import FIELDS, Sort
from .search import Matching

SORT_KEYS = {"created_at": "created_at", "updated_at": "updated_at", "title": "title_key"}
# A word that more than one task in ten contains is found on the way along the sort order, any other one in its index.
NEAR, NEAR_MAX = 10, 500  # tasks for each place of a page, and in all: their words may be long


class Beyond(models.Func):
    """Row-wise comparison, ``(a, b) < (x, y)``: one range of an index on both columns."""

    output_field = models.BooleanField()

    def __init__(self, key: str, operator: str, **extra: Any) -> None:
        super().__init__(F(key), F("id"), Param("after_key"), Param("after_id"), **extra)
        self.operator = operator

    def as_sql(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        compiled = [compiler.compile(expression) for expression in self.source_expressions]
        key, tie, after_key, after_id = (text for text, _ in compiled)
        params = [value for _, values in compiled for value in values]
        return f"({key}, {tie}) {self.operator} ({after_key}, {after_id})", params


class FurtherAway(models.Func):
    """Whether a search has to look beyond the tasks near by; the planner runs what depends on it only then."""

    template = "((SELECT count(*) FROM near) < %(length)s AND EXISTS (SELECT FROM more))"
    output_field = models.BooleanField()


@dataclass(frozen=True, slots=True)
class Listing:
    """The shape of a list: everything that changes the statement's text."""

    sort: Sort
    limit: int
    completed: bool
    trashed: bool
    search: bool
    after: bool

    @property
    def key(self) -> str:
        return SORT_KEYS[self.sort.lstrip("-")]


@lru_cache(maxsize=1024)
def listing(shape: Listing) -> Statement:
    """A page and one task more, which says that another page follows. Rows: JSON, sort key, id."""
    columns = FIELDS if shape.key in FIELDS else (*FIELDS, shape.key)
    found, length = _found(shape), shape.limit + 1
    page = _search(found, columns, length) if shape.search else select(found[:length].values(*columns))
    if shape.key in FIELDS:
        return page.as_json(shape.key, "id")
    # The key is no field of the answer: the JSON is made of the others.
    fields = ", ".join(f"t.{name}" for name in FIELDS)
    task = f"(SELECT row_to_json(j)::text FROM (SELECT {fields}) j)"
    return page.wrapped("WITH t AS (", f") SELECT {task}, t.{shape.key}, t.id FROM t")


def _found(shape: Listing) -> "models.QuerySet[Task]":
    """What the list is about, in order."""
    found = Task.objects.owned_by(OWNER).filter(deleted_at__isnull=not shape.trashed)
    if shape.completed:
        found = found.filter(completed=Param("completed"))
    descending = shape.sort.startswith("-")
    if shape.after:
        found = found.filter(Beyond(shape.key, "<" if descending else ">"))
    prefix = "-" if descending else ""
    return found.order_by(f"{prefix}{shape.key}", f"{prefix}id")


def _search(found: "models.QuerySet[Task]", columns: tuple[str, ...], length: int) -> Statement:
    """The first ``length`` of ``found`` that match.

    Looking a common word up in the index means collecting and sorting all of its tasks, so that it costs the more, the
    more there are. Most of a page of them is near by in the sort order, though: that is read first, and is cheap.
    """
    names, around = ", ".join(columns), max(1, min(NEAR * length, NEAR_MAX))
    near = select(found[:around].values(*columns, "search"))
    more = select(found[around : around + 1].values("id"))
    rest = select(found.filter(FurtherAway(length=length), id__in=Matching(Param("q")))[:length].values(*columns))
    text = (
        f"WITH near AS MATERIALIZED (SELECT {names} FROM ({near.sql}) w"
        f" WHERE search @@ (SELECT tasks_query(%s, %s)) LIMIT {length}), more AS MATERIALIZED ({more.sql})"
        f" SELECT {names} FROM near WHERE (SELECT count(*) FROM near) = {length} OR NOT EXISTS (SELECT FROM more)"
        f" UNION ALL ({rest.sql})"
    )
    return Statement(text, [*near.params, OWNER, Param("q"), *more.params, *rest.params], writes=False)
