"""With many rows the admin's statements go along indexes, and none of them counts a table."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection, transaction
from django.db.models import QuerySet
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from pytest_django.plugin import DjangoDbBlocker

from authn.models import Account, Activity, AuditEntry
from authn.staff.search import find_people
from authn.statistics import active_accounts, new_accounts
from tasks.models import Task
from tasks.statistics import completed_tasks, created_tasks

from .people import MANAGE, make_staff

ACCOUNTS, TASKS = 30_000, 30_000
FILL = """
ALTER TABLE tasks_task DISABLE TRIGGER USER;
INSERT INTO authn_account (id, email, name, created_at, last_seen_at)
    SELECT md5(i::text), md5('e' || i) || '@example.com', md5('n' || i), now() - i * interval '10 min',
        now() - i * interval '10 min' FROM generate_series(1, %s) i;
INSERT INTO tasks_task
    (id, user_id, title, completed, completed_at, created_at, updated_at, deleted_at, revision, title_key)
    SELECT gen_random_uuid(), md5((1 + i / 10)::text), 'A task', i %% 2 = 0,
        CASE WHEN i %% 2 = 0 THEN now() - i * interval '10 min' END, now() - i * interval '10 min', now(),
        CASE WHEN i %% 50 = 0 THEN now() END, i, '' FROM generate_series(1, %s) i;
ANALYZE authn_account; ANALYZE tasks_task; ANALYZE authn_activity;
"""


@pytest.fixture(scope="module")
def filled(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Many rows that nobody else sees, and that go with the transaction."""
    with django_db_blocker.unblock(), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(FILL, [ACCOUNTS, TASKS])
        yield
        transaction.set_rollback(True)


@pytest.fixture
def many_rows(filled: None, database: None) -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def plan(queryset: QuerySet[Any]) -> str:
    return queryset.explain()


def searched(model: type[Any], term: str) -> str:
    """The plan of the first page of a search in the admin."""
    model_admin: Any = admin.site.get_model_admin(model)
    request = RequestFactory().get("/")
    found, _ = model_admin.get_search_results(request, model_admin.get_queryset(request), term)
    ordering: tuple[str, ...] = model_admin.ordering
    return plan(found.order_by(*ordering)[:26])


def test_each_way_to_find_a_person_is_a_walk_of_an_index(many_rows: None) -> None:
    with CaptureQueriesContext(connection) as captured:
        find_people("abc")

    plans = []
    for query in captured.captured_queries:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {query['sql']}")
            plans.append("\n".join(line for (line,) in cursor.fetchall()))
    assert len(plans) == 3
    assert ["authn_account_" in text and "Seq Scan" not in text for text in plans] == [True] * 3


def test_a_search_that_matches_everybody_brings_a_bounded_number(many_rows: None) -> None:
    found = find_people("a")

    assert len(found.subjects) <= 300
    assert not found.complete


@pytest.mark.parametrize("term", ["c4ca4238a0b923820dcc509a6f75849b", "01a1fc44-98b4-757c-b2ad-7f363fde2a72"])
def test_tasks_are_found_along_an_index(many_rows: None, term: str) -> None:
    assert "Seq Scan" not in searched(Task, term)


def test_the_log_is_found_along_an_index(many_rows: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO authn_auditentry (actor, source, action, account, target, reason, details)"
            " SELECT md5(i::text), 'admin', 'account.open', md5(i::text), '', '', '{}' FROM generate_series(1, 30000) i"
        )
        cursor.execute("ANALYZE authn_auditentry")

    assert "Seq Scan" not in searched(AuditEntry, "c4ca4238a0b923820dcc509a6f75849b")
    assert "Seq Scan" not in searched(AuditEntry, "")


@pytest.mark.parametrize("model", [Account, Task])
def test_an_unfiltered_page_is_the_end_of_an_index(many_rows: None, model: type[Any]) -> None:
    assert "Seq Scan" not in searched(model, "")


@pytest.mark.parametrize(
    ("count", "model", "field"),
    [
        (new_accounts, Account, "created_at"),
        (created_tasks, Task, "created_at"),
        (completed_tasks, Task, "completed_at"),
    ],
)
def test_a_chart_reads_its_days_and_not_the_table(many_rows: None, count: Any, model: type[Any], field: str) -> None:
    with CaptureQueriesContext(connection) as captured:
        count(7)

    (query,) = captured.captured_queries
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {query['sql']}")
        assert "Seq Scan" not in str(cursor.fetchall())


def test_active_people_are_counted_in_one_query(database: None) -> None:
    with CaptureQueriesContext(connection) as captured:
        active_accounts(30)

    (query,) = captured.captured_queries
    assert Activity._meta.db_table in query["sql"]


@pytest.fixture
def page(many_rows: None) -> Client:
    client = Client()
    from django.contrib.auth.models import User

    client.force_login(User.objects.get(username=make_staff(MANAGE)), "django.contrib.auth.backends.ModelBackend")
    return client


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("/admin/authn/account/", Account),
        ("/admin/authn/account/?q=abc", Account),
        ("/admin/authn/account/?status=suspended", Account),
        ("/admin/tasks/task/", Task),
        ("/admin/tasks/task/?state=trash&created=7", Task),
        ("/admin/tasks/task/?_facets=True", Task),
        ("/admin/authn/auditentry/", AuditEntry),
    ],
)
def test_a_page_counts_nothing_and_asks_a_fixed_number_of_questions(page: Client, path: str, model: type[Any]) -> None:
    with CaptureQueriesContext(connection) as captured:
        response = page.get(path)

    statements = [query["sql"] for query in captured.captured_queries]
    assert response.status_code == 200
    assert [text for text in statements if text.startswith("SELECT COUNT(")] == []
    assert len(statements) <= 12


def test_paging_ends_where_a_search_is_what_helps(page: Client) -> None:
    near, far = (page.get(f"/admin/authn/account/?p={number}").status_code for number in (100, 101))

    assert (near, far) == (200, 302)
