"""Layer 1: no method of a queryset or manager reaches a row of another owner."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, ProgrammingError, models
from django.db.models import Exists, OuterRef, Subquery

from authn.ownership import ForeignOwner, OwnerRequired
from authn.statements import OWNER, Param
from tasks.models import Task
from tests.support.live_server import LiveServer

from .ownership_table import INERT, READS, REFUSED, WRITES, Call, forged, ids
from .world import World


@pytest.fixture
def world(server: LiveServer, database: None) -> World:
    return World(server.run)


def names_of(kind: type) -> set[str]:
    public = {name for name in dir(kind) if not name.startswith("_")}
    operators = {
        name
        for base in kind.__mro__
        if base.__module__.startswith("django.")
        for name in vars(base)
        if name.startswith("__") and callable(getattr(base, name)) and name != "__class__"
    }
    return public | operators


def test_the_table_is_complete() -> None:
    table = READS.keys() | WRITES.keys() | REFUSED.keys() | INERT.keys()

    assert names_of(models.QuerySet) | names_of(models.Manager) == table
    assert names_of(type(Task.objects)) | names_of(type(Task.objects.all())) <= table | {
        "owned_by",
        "owner",
        "aget_only",
    }


@pytest.mark.parametrize("name", READS)
def test_a_read_sees_the_owners_rows_only(world: World, name: str) -> None:
    call, expected = READS[name]

    assert call(world.mine, world) == expected(world)


@pytest.mark.parametrize("name", WRITES)
def test_a_write_reaches_the_owners_rows_only(world: World, name: str) -> None:
    call, expected = WRITES[name]
    wanted = expected(world)

    assert call(world.mine, world) == wanted

    world.assert_bob_untouched()


@pytest.mark.parametrize("name", sorted((READS.keys() | WRITES.keys() | REFUSED.keys()) - {"none"}))
@pytest.mark.parametrize("start", ["manager", "queryset", "filtered"])
def test_nothing_runs_without_an_owner(world: World, name: str, start: str) -> None:
    starts: dict[str, Any] = {
        "manager": Task.objects,
        "queryset": Task.objects.all(),
        "filtered": Task.objects.filter(user_id=world.alice.subject),
    }
    call: Call = ({key: value[0] for key, value in (READS | WRITES).items()} | REFUSED)[name]
    if start == "manager" and name.startswith("__"):
        call = _on_queryset(call)

    with pytest.raises((OwnerRequired, NotImplementedError)):
        call(starts[start], world)

    world.assert_bob_untouched()
    assert len(world.ids) == 2


def _on_queryset(call: Call) -> Call:
    return lambda manager, world: call(manager.get_queryset(), world)


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_scoped_is_refused_and_says_what_to_do(world: World, name: str) -> None:
    with pytest.raises(NotImplementedError, match="use "):
        REFUSED[name](world.mine, world)


def test_the_refusal_names_the_two_ways_out(world: World) -> None:
    with pytest.raises(OwnerRequired, match=r"Task\.objects\.owned_by\(caller\).*Task\.unscoped"):
        Task.objects.count()


def test_an_owner_stays(world: World) -> None:
    assert ids(world.mine.owned_by(world.alice)) == world.ids
    with pytest.raises(ForeignOwner):
        world.mine.owned_by(world.bob)


COMBINATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "and": lambda a, b: a & b,
    "or": lambda a, b: a | b,
    "xor": lambda a, b: a ^ b,
    "union": lambda a, b: a.union(b),
    "intersection": lambda a, b: a.intersection(b),
    "difference": lambda a, b: a.difference(b),
}


@pytest.mark.parametrize("combine", COMBINATIONS.values(), ids=COMBINATIONS)
def test_only_querysets_of_one_owner_combine(world: World, combine: Callable[[Any, Any], Any]) -> None:
    others = (
        Task.objects.owned_by(world.bob),
        Task.objects.all(),
        Task.objects.filter(user_id=world.alice.subject),
        Task.unscoped.all(),
        Task.objects.owned_by(OWNER),
    )
    for other in others:
        with pytest.raises((ForeignOwner, OwnerRequired)):
            list(combine(world.mine, other))
    with pytest.raises(OwnerRequired):
        list(combine(Task.objects.all(), world.mine))


SUBQUERIES: dict[str, Callable[[Any], Any]] = {
    "in": lambda q: Task.unscoped.filter(pk__in=q),
    "in values": lambda q: Task.unscoped.filter(pk__in=q.values("pk")),
    "exact": lambda q: Task.unscoped.filter(pk=q.values("pk")[:1]),
    "exists": lambda q: Task.unscoped.filter(Exists(q.filter(pk=OuterRef("pk")))),
    "not exists": lambda q: Task.unscoped.exclude(~Exists(q.filter(pk=OuterRef("pk")))),
    "subquery": lambda q: Task.unscoped.annotate(n=Subquery(q.values("title")[:1])),
    "owned in": lambda q: Task.objects.owned_by("nobody").filter(pk__in=q),
    "ordering": lambda q: Task.unscoped.order_by(Subquery(q.values("title")[:1])),
    "union of values": lambda q: Task.unscoped.values("pk").union(q.values("pk")),
}


@pytest.mark.parametrize("use", SUBQUERIES.values(), ids=SUBQUERIES)
def test_a_subquery_needs_an_owner_too(world: World, use: Callable[[Any], Any]) -> None:
    with pytest.raises(OwnerRequired):
        list(use(Task.objects.all()))
    list(use(world.mine))


def test_a_subquery_of_ones_own_sees_ones_own(world: World) -> None:
    for use in ("in", "in values", "exists", "not exists"):
        assert ids(SUBQUERIES[use](world.mine)) == world.ids


def test_related_look_ups_stay_with_the_owner(world: World) -> None:
    assert ids(world.mine.filter(user__id=world.bob.subject)) == set()
    assert ids(world.mine.filter(user__in=[world.alice.subject, world.bob.subject])) == world.ids
    assert ids(world.mine.exclude(user__id=world.alice.subject)) == set()
    assert set(world.mine.values_list("user__id", flat=True)) == {world.alice.subject}
    assert not hasattr(Task._meta.get_field("user").related_model, "task_set")


def test_a_slice_cannot_leave_the_owners_rows(world: World) -> None:
    assert len(world.mine[:1000]) == 2
    assert list(world.mine[2:1000]) == []
    assert world.mine.order_by("title")[1].title == "mine 2"
    with pytest.raises(OwnerRequired):
        Task.objects.all()[0]


def test_a_query_without_an_owner_refuses_wherever_it_is_put(world: World) -> None:
    queryset = world.mine
    queryset.query = Task.objects.all().query

    with pytest.raises(OwnerRequired):
        list(queryset)
    with pytest.raises(OwnerRequired):
        str(Task.objects.filter(title="x").query)


OWNER_CHANGES: dict[str, Callable[[Any, World], Any]] = {
    "update user": lambda q, w: q.update(user=w.bob.subject),
    "update user_id": lambda q, w: q.update(user_id=w.bob.subject),
    "aupdate": lambda q, w: w.run(q.aupdate(user_id=w.bob.subject)),
    "create": lambda q, w: q.create(user_id=w.bob.subject, title="x"),
    "create with an account": lambda q, w: q.create(user=w.foreign.user, title="x"),
    "acreate": lambda q, w: w.run(q.acreate(user_id=w.bob.subject, title="x")),
    "bulk_create": lambda q, w: q.bulk_create([Task(title="x"), Task(user_id=w.bob.subject, title="x")]),
    "abulk_create": lambda q, w: w.run(q.abulk_create([Task(user_id=w.bob.subject, title="x")])),
    "get_or_create": lambda q, w: q.get_or_create(user_id=w.bob.subject, title="x"),
    "get_or_create look-up": lambda q, w: q.get_or_create(user__id=w.bob.subject, title="x"),
    "get_or_create defaults": lambda q, w: q.get_or_create({"user_id": w.bob.subject}, title="x"),
    "update_or_create": lambda q, w: q.update_or_create({"user_id": w.bob.subject}, title="mine 1"),
    "update_or_create create": lambda q, w: q.update_or_create({}, {"user": w.foreign.user}, title="x"),
    "bulk_update": lambda q, w: q.bulk_update(list(q), ["user"]),
    "bulk_update user_id": lambda q, w: q.bulk_update(list(q), ["title", "user_id"]),
    "bulk_update foreign": lambda q, w: q.bulk_update([w.foreign], ["title"]),
}


@pytest.mark.parametrize("change", OWNER_CHANGES.values(), ids=OWNER_CHANGES)
def test_no_write_names_another_owner(world: World, change: Callable[[Any, World], Any]) -> None:
    with pytest.raises(ForeignOwner):
        change(world.mine, world)

    world.assert_bob_untouched()
    assert len(world.ids) == 2


def test_naming_the_same_owner_is_no_change(world: World) -> None:
    made = world.mine.create(user_id=world.alice.subject, title="x")

    assert world.mine.update(user=made.user, title="y") == 3
    assert world.mine.get_or_create(user_id=world.alice.subject, title="y", pk=made.pk) == (made, False)


@pytest.mark.parametrize("options", [{"update_conflicts": True, "update_fields": ["title"], "unique_fields": ["id"]}])
def test_a_conflict_never_writes_another_owners_row(world: World, options: dict[str, Any]) -> None:
    with pytest.raises(NotImplementedError):
        world.mine.bulk_create([forged(world)], **options)
    with pytest.raises(NotImplementedError):
        world.mine.bulk_create([forged(world)], None, False, True, ["title"], ["id"])
    with pytest.raises(NotImplementedError):
        world.run(world.mine.abulk_create([forged(world)], **options))
    world.mine.bulk_create([forged(world)], ignore_conflicts=True)
    with pytest.raises(IntegrityError):
        world.mine.bulk_create([forged(world)])

    world.assert_bob_untouched()


def test_saving_an_instance_never_reaches_another_owners_row(world: World) -> None:
    with pytest.raises(IntegrityError):
        forged(world).save()
    with pytest.raises(DatabaseError):
        forged(world).save(force_update=True)
    with pytest.raises(DatabaseError):
        forged(world).save(update_fields=["title"])

    world.assert_bob_untouched()


def test_saving_an_instance_never_changes_its_owner(world: World) -> None:
    task = world.mine.earliest("title")
    task.user_id = world.bob.subject

    with pytest.raises(DatabaseError):
        task.save()

    world.assert_bob_untouched()
    assert len(world.ids) == 2


def test_deleting_an_instance_never_reaches_another_owners_row(world: World) -> None:
    assert forged(world).delete()[0] == 0

    world.assert_bob_untouched()


def test_refreshing_an_instance_never_reads_another_owners_row(world: World) -> None:
    with pytest.raises(Task.DoesNotExist):
        forged(world).refresh_from_db()
    with pytest.raises(Task.DoesNotExist):
        asyncio.run(forged(world).arefresh_from_db())


def test_the_neighbours_of_an_instance_are_the_owners(world: World) -> None:
    first, second = world.mine.order_by("created_at")

    assert first.get_next_by_created_at() == second
    assert second.get_previous_by_created_at() == first
    with pytest.raises(Task.DoesNotExist):
        second.get_next_by_created_at()
    with pytest.raises(Task.DoesNotExist):
        first.get_previous_by_created_at()


def test_an_instance_saves_refreshes_and_deletes_itself(world: World) -> None:
    task = world.mine.only("completed").earliest("title")
    assert task.user_id == world.alice.subject
    assert task.title == "mine 1"

    task.title = "renamed"
    task.save()
    task.refresh_from_db()
    again = world.mine.get(pk=task.pk)

    assert (task.title, again.title) == ("renamed", "renamed")
    assert task.delete()[0] == 1
    assert not world.mine.contains(again)


def test_an_unscoped_manager_sees_all(world: World) -> None:
    assert Task._default_manager.name == "unscoped"
    assert type(Task._base_manager) is models.Manager
    assert Task.unscoped.filter(user_id__in=[world.alice.subject, world.bob.subject]).count() == 4


def test_a_parameter_is_an_owner_that_only_the_executor_binds(world: World) -> None:
    queryset = Task.objects.owned_by(OWNER)

    assert "user_id" in str(queryset.query)
    assert repr(OWNER) == "Param('owner')"
    assert isinstance(queryset.owner, Param)
    with pytest.raises(ProgrammingError):
        list(queryset)
