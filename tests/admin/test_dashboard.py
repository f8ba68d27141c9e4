from datetime import UTC, datetime

import pytest
from django.core.cache import cache
from django.db import connection
from pytest_django.fixtures import Settings

from authn import statistics as people
from tasks import statistics as tasks
from tests.support.clients import User

from .conftest import NewStaff
from .people import Staff


@pytest.fixture(autouse=True)
def fresh_numbers() -> None:
    cache.clear()


def test_everybody_on_the_staff_sees_the_picture_of_the_day(new_staff: NewStaff, alice: User) -> None:
    alice.create_task()

    page = new_staff().get("/").text

    assert "Active today" in page
    assert "People a day" in page
    assert "Tasks a day" in page


def test_a_call_counts_its_person_as_active_today_once(database: None, alice: User) -> None:
    today = datetime.now(UTC).date()
    before = people.active_accounts(1)[today]

    alice.get("/me")
    alice.create_task()

    assert people.active_accounts(1)[today] == before + 1


def test_a_person_who_comes_back_on_another_day_is_active_on_both(database: None, alice: User) -> None:
    alice.get("/me")
    today = datetime.now(UTC).date()
    before = people.active_accounts(3)

    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE authn_account SET last_seen_at = last_seen_at - interval '2 days' WHERE id = %s", [alice.subject]
        )

    after = people.active_accounts(3)
    assert after[today] == before[today]
    assert sum(after.values()) == sum(before.values()) + 1


def test_erasing_forgets_the_days_too(database: None, alice: User) -> None:
    alice.get("/me")
    before = sum(people.active_accounts(1).values())

    alice.request("DELETE", "/me", json={"confirm": alice.subject})

    assert sum(people.active_accounts(1).values()) == before - 1


def test_tasks_are_counted_on_the_day_of_their_creation_and_completion(database: None, alice: User) -> None:
    before = (sum(tasks.created_tasks(1).values()), sum(tasks.completed_tasks(1).values()))

    alice.create_task()
    alice.create_task(completed=True)

    after = (sum(tasks.created_tasks(1).values()), sum(tasks.completed_tasks(1).values()))
    assert after == (before[0] + 2, before[1] + 1)


def test_without_metrics_the_page_says_how_to_have_them(reader: Staff, settings: Settings) -> None:
    settings.METRICS_TOKEN = None

    assert "set METRICS_TOKEN" in reader.get("/").text


def test_errors_and_refusals_of_the_api_are_there_with_metrics(reader: Staff, settings: Settings, alice: User) -> None:
    settings.METRICS_TOKEN = "a-token-for-the-metrics-of-these-tests-only"
    alice.get("/me", headers={"Authorization": "Bearer nonsense"})

    page = reader.get("/").text

    refused = page.partition("Refused (401, 403, 429)")[2][:400]
    assert int(
        "".join(character for character in refused.partition("<dd")[2].partition(">")[2][:3] if character.isdigit())
    )
