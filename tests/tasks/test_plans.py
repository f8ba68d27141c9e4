"""What each call makes the database touch. Pages do not depend on the machine's mood, and say when an index is lost."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction
from pytest_django.plugin import DjangoDbBlocker

from authn.caller import Caller
from authn.models import Account
from authn.parameters import numbered
from authn.scope import _enter
from authn.statements import Statement
from tasks import listing as listings
from tasks import statements
from tasks.demo import _insert, _template
from tasks.models import Task
from tests.support.clients import fresh_subject

pytestmark = pytest.mark.usefixtures("database")

TASKS = 10_000
SORTS = ("-created_at", "created_at", "-updated_at", "updated_at", "title", "-title")


@pytest.fixture(scope="module")
def owner(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Caller]:
    """Somebody with ten thousand tasks, among others with as many words in common."""
    with django_db_blocker.unblock():
        caller = Caller(fresh_subject("owner"))
        _insert([caller.subject], [_template(number, TASKS) for number in range(TASKS)])
        _insert([fresh_subject("other") for _ in range(3000)], [_template(number, 2) for number in range(2)])
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE tasks_task")
        yield caller


def explained(statement: Statement, caller: Caller, **values: Any) -> tuple[int, str]:
    """Pages touched by ``statement`` in the caller's scope, and its plan for any owner. What it writes is undone."""
    text, params = statement.bind(caller, values)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(*_enter(caller, statement.writes))
        cursor.execute(f"PREPARE explained AS {numbered(text).decode()}")
        execution = f"({', '.join(['%s'] * len(params))})" if params else ""
        for _ in range(2):  # the first time fills the session's catalogue caches
            cursor.execute("SAVEPOINT again")
            cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE explained{execution}", params)
            (plan,) = cursor.fetchone()
            cursor.execute("ROLLBACK TO SAVEPOINT again")
        cursor.execute("DEALLOCATE explained")
        transaction.set_rollback(True)
    plan = json.loads(plan) if isinstance(plan, str) else plan
    top = plan[0]["Plan"]
    return top["Shared Hit Blocks"] + top["Shared Read Blocks"], json.dumps(plan)


def listing(sort: str, *, limit: int = 20, search: bool = False, after: bool = False) -> Statement:
    return listings.listing(listings.Listing(sort, limit, completed=False, trashed=False, search=search, after=after))  # type: ignore[arg-type]


def position(caller: Caller, sort: str, page: int) -> dict[str, str]:
    """What a cursor in front of ``page`` holds."""
    key = listings.SORT_KEYS[sort.lstrip("-")]
    prefix = "-" if sort.startswith("-") else ""
    ordered = Task.unscoped.filter(user_id=caller.subject).order_by(f"{prefix}{key}", f"{prefix}id")
    found = ordered.values_list(key, "id")[page * 20]
    return {"after_key": str(found[0]), "after_id": str(found[1])}


@pytest.mark.parametrize("sort", SORTS)
def test_a_page_costs_the_same_however_deep_it_is(owner: Caller, sort: str) -> None:
    first, first_plan = explained(listing(sort), owner)
    deep, deep_plan = explained(listing(sort, after=True), owner, **position(owner, sort, 490))

    assert "Seq Scan" not in first_plan
    assert "Seq Scan" not in deep_plan
    assert '"Node Type": "Sort"' not in deep_plan
    assert first <= 60
    assert deep <= first + 10


@pytest.mark.parametrize("sort", SORTS)
def test_a_long_page_is_not_sorted_though_most_owners_have_less_than_fills_it(owner: Caller, sort: str) -> None:
    pages, plan = explained(listing(sort, limit=200), owner)

    assert '"Node Type": "Sort"' not in plan
    assert pages <= 240


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("words", ["4711", "absent"])
def test_a_search_for_a_rare_word_touches_what_it_finds_and_the_tasks_near_by(
    owner: Caller, sort: str, words: str
) -> None:
    pages, plan = explained(listing(sort, search=True), owner, q=words)

    assert "Seq Scan" not in plan
    assert pages <= 500


def test_a_search_among_few_tasks_is_over_when_they_are_read(owner: Caller) -> None:
    few = Caller(fresh_subject("few"))
    _insert([few.subject], [_template(number, 20) for number in range(20)])

    pages, _ = explained(listing("-created_at", search=True), few, q="milk")

    assert pages <= 20


@pytest.mark.parametrize("sort", ["-created_at", "updated_at"])
@pytest.mark.parametrize("words", ["milk", "b"])
def test_a_search_for_a_common_word_ends_when_its_page_is_full(owner: Caller, sort: str, words: str) -> None:
    """At least a ninth of ten thousand tasks has the word."""
    pages, plan = explained(listing(sort, search=True), owner, q=words)

    assert "Seq Scan" not in plan
    assert pages <= 300


@pytest.mark.parametrize(
    ("statement", "bound"),
    [
        (statements.get_task(), 10),
        (statements.find_task(), 10),
        (statements.change_task(("completed",), checked=True), 120),
        (statements.change_task(("title",), checked=False), 160),
        (statements.trash_task(checked=False), 120),
    ],
)
def test_one_task_costs_a_look_up(owner: Caller, statement: Statement, bound: int) -> None:
    task = Task.unscoped.filter(user_id=owner.subject, completed=False).first()
    assert task is not None

    values = {"id": str(task.pk), "completed": True, "title": "Renamed", "revisions": [task.revision]}
    pages, plan = explained(statement, owner, **values)

    assert "Seq Scan" not in plan
    assert pages <= bound


def test_the_next_changes_are_found_by_their_revision(owner: Caller) -> None:
    pages, plan = explained(statements.changes(100), owner, after=TASKS - 50, base=0)

    assert "Seq Scan" not in plan
    assert pages <= 60


def test_another_owners_tasks_cost_nothing(owner: Caller) -> None:
    nobody = Caller(fresh_subject("nobody"))
    Account.objects.create(pk=nobody.subject)

    pages, _ = explained(listing("-created_at"), nobody)

    assert pages <= 10
