"""The asynchronous terminal methods answer what Django's own would, in one round trip and without a thread."""

from typing import Any

import pytest
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Count, F
from django.db.models.functions import Upper

from authn.models import Account
from tasks.models import Task
from tests.support.live_server import LiveServer
from tests.support.wire import Trace

from .world import World


@pytest.fixture
def world(server: LiveServer, database: None) -> World:
    return World(server.run)


READS: dict[str, Any] = {
    "instances": lambda q: q.order_by("title"),
    "values": lambda q: q.order_by("title").values("pk", "title", "created_at", "completed_at"),
    "values_list": lambda q: q.order_by("title").values_list("pk", "revision"),
    "flat": lambda q: q.order_by("title").values_list("created_at", flat=True),
    "named": lambda q: q.order_by("title").values_list("title", named=True),
    "annotated": lambda q: q.order_by("title").annotate(loud=Upper("title")).values_list("loud", flat=True),
    "grouped": lambda q: q.values("completed").annotate(n=Count("pk")),
    "joined": lambda q: q.order_by("title").values_list("user__status", flat=True),
    "only": lambda q: q.order_by("title").only("title"),
    "slice": lambda q: q.order_by("title")[1:2],
    "union": lambda q: q.values_list("title").union(q.values_list("title")),
    "dates": lambda q: q.dates("created_at", "year"),
    "distinct": lambda q: q.order_by("completed").distinct("completed"),
    "none": lambda q: q.none(),
    "empty in": lambda q: q.filter(pk__in=[]),
}


@pytest.mark.parametrize("build", READS.values(), ids=READS)
def test_iterating_gives_what_django_gives(world: World, build: Any) -> None:
    assert world.asynchronously(build(world.mine)) == list(build(world.mine))
    assert world.asynchronously(build(world.mine).aiterator(chunk_size=1)) == list(build(world.mine))


TERMINALS: dict[str, tuple[Any, Any]] = {
    "count": (lambda q: q.acount(), lambda q: q.count()),
    "count of a slice": (lambda q: q[1:5].acount(), lambda q: q[1:5].count()),
    "count of distinct": (
        lambda q: q.values("completed").distinct().acount(),
        lambda q: q.values("completed").distinct().count(),
    ),
    "count of none": (lambda q: q.none().acount(), lambda q: q.none().count()),
    "count of an empty in": (lambda q: q.filter(pk__in=[]).acount(), lambda q: 0),
    "exists": (lambda q: q.aexists(), lambda q: q.exists()),
    "exists in a slice": (lambda q: q[5:].aexists(), lambda q: q[5:].exists()),
    "exists in none": (lambda q: q.none().aexists(), lambda q: False),
    "first": (lambda q: q.afirst(), lambda q: q.first()),
    "first of ordered": (lambda q: q.order_by("-title").afirst(), lambda q: q.order_by("-title").first()),
    "first of none": (lambda q: q.none().afirst(), lambda q: None),
    "last": (lambda q: q.alast(), lambda q: q.last()),
    "last of ordered": (lambda q: q.order_by("title").alast(), lambda q: q.order_by("title").last()),
    "earliest": (lambda q: q.aearliest("title"), lambda q: q.earliest("title")),
    "latest": (lambda q: q.alatest("created_at", "title"), lambda q: q.latest("created_at", "title")),
    "get": (lambda q: q.aget(title="mine 1"), lambda q: q.get(title="mine 1")),
    "in_bulk": (lambda q: q.ain_bulk(), lambda q: q.in_bulk()),
    "in_bulk of nothing": (lambda q: q.ain_bulk([]), lambda q: {}),
    "contains another kind": (lambda q: q.acontains(Account(pk="x")), lambda q: False),
    "update of none": (lambda q: q.none().aupdate(title="x"), lambda q: 0),
    "update of nothing": (lambda q: q.aupdate(), lambda q: 0),
    "delete of none": (lambda q: q.none().adelete(), lambda q: (0, {})),
    "delete of nothing": (lambda q: q.filter(title="x").adelete(), lambda q: (0, {})),
    "bulk_create of nothing": (lambda q: q.abulk_create([]), lambda q: []),
}


@pytest.mark.parametrize(("native", "django"), TERMINALS.values(), ids=TERMINALS)
def test_a_terminal_gives_what_django_gives(world: World, native: Any, django: Any) -> None:
    async def call() -> Any:
        return await native(world.mine)

    assert world.run(call()) == django(world.mine)


def test_contains_knows_its_own(world: World) -> None:
    assert world.run(world.mine.acontains(world.mine.earliest("title")))


MISSING: dict[str, Any] = {
    "get": lambda q: q.aget(title="x"),
    "earliest": lambda q: q.none().aearliest("title"),
    "latest": lambda q: q.filter(title="x").alatest("pk"),
}


@pytest.mark.parametrize("call", MISSING.values(), ids=MISSING)
def test_what_is_not_there_raises_the_models_exception(world: World, call: Any) -> None:
    with pytest.raises(Task.DoesNotExist, match="Task matching query does not exist"):
        world.run(call(world.mine))


def test_more_than_one_raises_the_models_exception(world: World) -> None:
    with pytest.raises(Task.MultipleObjectsReturned):
        world.run(world.mine.aget())


IMPOSSIBLE: dict[str, tuple[Any, type[Exception]]] = {
    "earliest by nothing": (lambda q: q.aearliest(), ValueError),
    "update of a slice": (lambda q: q[:1].aupdate(title="x"), TypeError),
    "delete of a slice": (lambda q: q[:1].adelete(), TypeError),
    "delete of distinct": (lambda q: q.distinct().adelete(), TypeError),
    "update of an unknown field": (lambda q: q.aupdate(nothing="x"), FieldDoesNotExist),
    "bulk_create in batches": (lambda q: q.abulk_create([Task(title="x")], 10), NotImplementedError),
    "prefetch": (lambda q: q.prefetch_related("user").afirst(), NotImplementedError),
}


@pytest.mark.parametrize(("call", "error"), IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_what_cannot_be_asked_is_refused(world: World, call: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        world.run(call(world.mine))


def test_a_made_object_has_what_the_database_set(world: World) -> None:
    made = world.run(world.mine.acreate(title="new", completed=True))

    kept = world.mine.get(pk=made.pk)
    names = [field.attname for field in Task._meta.concrete_fields]
    assert {name: getattr(made, name) for name in names} == {name: getattr(kept, name) for name in names}
    assert (made._state.adding, made._state.db) == (False, "default")
    made.title = "renamed"
    made.save()
    assert world.mine.get(pk=made.pk).title == "renamed"


def test_an_update_takes_expressions(world: World) -> None:
    assert world.run(world.mine.aupdate(description=F("title"))) == 2
    assert set(world.mine.values_list("description", flat=True)) == {"mine 1", "mine 2"}


def test_a_deletion_counts_by_model(world: World) -> None:
    assert world.run(world.mine.adelete()) == (2, {"tasks.Task": 2})


def test_native_methods_take_one_round_trip_and_no_thread(world: World, statements: Trace, threads: list[str]) -> None:
    calls: list[Any] = [
        lambda q: q.acount(), lambda q: q.afirst(), lambda q: q.acreate(title="x"), lambda q: q.aupdate(title="y"),
        lambda q: q.adelete(),
    ]  # fmt: skip
    for call in calls:
        world.run(call(world.mine))  # the account is mirrored, the statement prepared
        statements.reset()
        world.run(call(world.mine))
        assert statements.round_trips == 1
    assert threads == []
