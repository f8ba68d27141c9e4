"""Every public method of Django's querysets and managers, and what it does on an owned model.

A new version of Django that adds a method makes `test_ownership` fail until the method is entered here.
"""

import copy
import pickle
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Count, F, Q

from tasks.models import Task

from .world import World

Call = Callable[[Any, World], Any]


def ids(found: Any) -> set[Any]:
    return {task.pk for task in found}


def found(call: Callable[[], Any]) -> Any:
    """What ``call`` finds; None when it finds nothing."""
    try:
        return call()
    except ObjectDoesNotExist:
        return None


def today() -> datetime:
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def pick(w: World) -> list[Any]:
    """Keys to ask for: one's own and the foreign ones."""
    return list(Task.unscoped.filter(user_id__in=[w.alice.subject, w.bob.subject]).values_list("pk", flat=True))


def everything(w: World) -> set[Any]:
    return w.ids


# name → (call on the queryset of one owner, what it has to give)
READS: dict[str, tuple[Call, Callable[[World], Any]]] = {
    # lazy
    "alias": (lambda q, w: ids(q.alias(n=F("title"))), everything),
    "all": (lambda q, w: ids(q.all()), everything),
    "annotate": (lambda q, w: [t.n for t in q.annotate(n=Count("user__id")).order_by("pk")], lambda w: [1, 1]),
    "complex_filter": (lambda q, w: ids(q.complex_filter(Q(pk__in=pick(w)))), everything),
    "dates": (lambda q, w: list(q.dates("created_at", "day")), lambda w: [today().date()]),
    "datetimes": (lambda q, w: list(q.datetimes("created_at", "day")), lambda w: [today()]),
    "defer": (lambda q, w: [t.title for t in q.defer("title").order_by("pk")], lambda w: ["mine 1", "mine 2"]),
    "difference": (lambda q, w: ids(q.difference(q.filter(title="x"))), everything),
    "distinct": (lambda q, w: ids(q.distinct()), everything),
    "exclude": (lambda q, w: ids(q.exclude(title="x")), everything),
    "filter": (lambda q, w: ids(q.filter(Q(title__startswith="yours") | Q(pk__in=pick(w)))), everything),
    "intersection": (lambda q, w: ids(q.intersection(q.all())), everything),
    "none": (lambda q, w: list(q.none()), lambda w: []),
    "only": (lambda q, w: [t.title for t in q.only("completed").order_by("pk")], lambda w: ["mine 1", "mine 2"]),
    "order_by": (lambda q, w: ids(q.order_by("title")), everything),
    "prefetch_related": (
        lambda q, w: {t.user.pk for t in q.prefetch_related("user")}, lambda w: {w.alice.subject},
    ),
    "reverse": (lambda q, w: ids(q.order_by("title").reverse()), everything),
    "select_related": (lambda q, w: {t.user.pk for t in q.select_related("user")}, lambda w: {w.alice.subject}),
    "union": (lambda q, w: ids(q.union(q.all(), all=True)), everything),
    "using": (lambda q, w: ids(q.using("default")), everything),
    "values": (lambda q, w: {row["pk"] for row in q.values("pk")}, everything),
    "values_list": (lambda q, w: set(q.values_list("pk", flat=True)), everything),
    "resolve_expression": (lambda q, w: ids(Task.unscoped.filter(pk__in=q.values("pk"))), everything),
    # terminal
    "aggregate": (lambda q, w: q.aggregate(n=Count("pk")), lambda w: {"n": 2}),
    "contains": (lambda q, w: q.contains(w.foreign), lambda w: False),
    "count": (lambda q, w: q.count(), lambda w: 2),
    "earliest": (lambda q, w: q.earliest("created_at").title, lambda w: "mine 1"),
    "exists": (lambda q, w: q.filter(pk=w.foreign.pk).exists(), lambda w: False),
    "explain": (lambda q, w: "user_id" in q.explain(), lambda w: True),
    "first": (lambda q, w: q.order_by("-title").first().title, lambda w: "mine 2"),
    "get": (lambda q, w: found(lambda: q.get(pk=w.foreign.pk)), lambda w: None),
    "in_bulk": (lambda q, w: set(q.in_bulk(pick(w))), everything),
    "iterator": (lambda q, w: ids(q.iterator()), everything),
    "last": (lambda q, w: q.order_by("title").last().title, lambda w: "mine 2"),
    "latest": (lambda q, w: q.latest("title").title, lambda w: "mine 2"),
    # asynchronous
    "acontains": (lambda q, w: w.run(q.acontains(w.foreign)), lambda w: False),
    "acount": (lambda q, w: w.run(q.acount()), lambda w: 2),
    "aearliest": (lambda q, w: w.run(q.aearliest("created_at")).title, lambda w: "mine 1"),
    "aexists": (lambda q, w: w.run(q.filter(pk=w.foreign.pk).aexists()), lambda w: False),
    "afirst": (lambda q, w: w.run(q.order_by("-title").afirst()).title, lambda w: "mine 2"),
    "aget": (lambda q, w: found(lambda: w.run(q.aget(pk=w.foreign.pk))), lambda w: None),
    "ain_bulk": (lambda q, w: set(w.run(q.ain_bulk(pick(w)))), everything),
    "aiterator": (lambda q, w: ids(w.asynchronously(q.aiterator())), everything),
    "alast": (lambda q, w: w.run(q.order_by("title").alast()).title, lambda w: "mine 2"),
    "alatest": (lambda q, w: w.run(q.alatest("title")).title, lambda w: "mine 2"),
    # operators
    "__aiter__": (lambda q, w: ids(w.asynchronously(q)), everything),
    "__and__": (lambda q, w: ids(q & q.filter(pk__in=pick(w))), everything),
    "__bool__": (lambda q, w: bool(q.filter(pk=w.foreign.pk)), lambda w: False),
    "__deepcopy__": (lambda q, w: ids(copy.deepcopy(q)), everything),
    "__getitem__": (lambda q, w: ids(q[:100]), everything),
    "__getstate__": (lambda q, w: ids(pickle.loads(pickle.dumps(q))), everything),  # noqa: S301
    "__iter__": (lambda q, w: ids(iter(q)), everything),
    "__len__": (lambda q, w: len(q), lambda w: 2),
    "__or__": (lambda q, w: ids(q.filter(title="x") | q), everything),
    "__repr__": (lambda q, w: repr(q).count("Task"), lambda w: 2),
    "__xor__": (lambda q, w: ids(q.filter(title="x") ^ q), everything),
}  # fmt: skip

# name → (call, what it has to give); Bob's rows stay as they are, and no row changes hands
WRITES: dict[str, tuple[Call, Callable[[World], Any]]] = {
    "bulk_create": (lambda q, w: {t.user_id for t in q.bulk_create([Task(title="new")])}, lambda w: {w.alice.subject}),
    "bulk_update": (lambda q, w: q.bulk_update([forged(w)], ["title"]), lambda w: 0),
    "create": (lambda q, w: q.create(title="new").user_id, lambda w: w.alice.subject),
    "delete": (lambda q, w: q.filter(pk__in=pick(w)).delete()[0], lambda w: 2),
    "get_or_create": (
        lambda q, w: [t.user_id for t, made in [q.get_or_create(title="yours 1")] if made], lambda w: [w.alice.subject],
    ),
    "select_for_update": (lambda q, w: locked(q), everything),
    "update": (lambda q, w: q.filter(pk__in=pick(w)).update(title="changed"), lambda w: 2),
    "update_or_create": (
        lambda q, w: [t.user_id for t, made in [q.update_or_create({"completed": True}, title="yours 1")] if made],
        lambda w: [w.alice.subject],
    ),
    "abulk_create": (
        lambda q, w: {t.user_id for t in w.run(q.abulk_create([Task(title="a"), Task(title="b")]))},
        lambda w: {w.alice.subject},
    ),
    "acreate": (lambda q, w: w.run(q.acreate(title="new")).user_id, lambda w: w.alice.subject),
    "adelete": (lambda q, w: w.run(q.filter(pk__in=pick(w)).adelete())[0], lambda w: 2),
    "aupdate": (lambda q, w: w.run(q.filter(pk__in=pick(w)).aupdate(title="changed")), lambda w: 2),
}  # fmt: skip

# name → call that is refused, with an owner and without
REFUSED: dict[str, Call] = {
    "extra": lambda q, w: q.extra(where=["1=1) OR (1=1"]),
    "raw": lambda q, w: q.raw("SELECT * FROM tasks_task"),
    "aaggregate": lambda q, w: w.run(q.aaggregate(n=Count("pk"))),
    "abulk_update": lambda q, w: w.run(q.abulk_update([], ["title"])),
    "aexplain": lambda q, w: w.run(q.aexplain()),
    "aget_or_create": lambda q, w: w.run(q.aget_or_create(title="x")),
    "aupdate_or_create": lambda q, w: w.run(q.aupdate_or_create(title="x")),
}

# Names that run nothing.
INERT = {
    "as_manager": "makes a manager class",
    "auto_created": "an attribute",
    "check": "system checks of a manager",
    "contribute_to_class": "attaches a manager to its model",
    "creation_counter": "an attribute",
    "db": "an attribute",
    "db_manager": "another database for the same manager",
    "deconstruct": "a manager in a migration",
    "from_queryset": "makes a manager class",
    "get_queryset": "the same queryset without an owner, which refuses as all others do",
    "ordered": "an attribute",
    "query": "an attribute; without an owner it does not compile",
    "use_in_migrations": "an attribute",
    "__class_getitem__": "a type",
    "__eq__": "compares managers",
    "__hash__": "of a manager",
    "__init__": "runs nothing",
    "__init_subclass__": "a class",
    "__new__": "runs nothing",
    "__setstate__": "takes rows that are there",
    "__str__": "of a manager",
}


def forged(w: World) -> Task:
    """An object of Alice's with the key of Bob's."""
    return Task(pk=w.foreign.pk, user_id=w.alice.subject, title="stolen")


def locked(queryset: Any) -> set[Any]:
    from django.db import transaction

    with transaction.atomic():
        return ids(queryset.select_for_update())
