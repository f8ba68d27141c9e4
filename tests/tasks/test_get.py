"""GET /tasks/{id}"""

import re
from datetime import UTC, datetime
from uuid import UUID

import pytest

from tests.support.clients import Client, User
from tests.support.wire import Trace

from .refusals import UNKNOWN, assert_looks_missing, assert_refuses_query, assert_refuses_strangers


def test_a_stranger_is_refused(anonymous: Client, alice: User) -> None:
    task = alice.create_task()

    assert_refuses_strangers(anonymous, "GET", f"/tasks/{task['id']}")
    assert_refuses_strangers(anonymous, "GET", f"/tasks/{UNKNOWN}")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_foreign_task_looks_missing(alice: User, bob: User, method: str) -> None:
    assert_looks_missing(alice, bob, method)


@pytest.mark.parametrize("condition", ["*", '"1"', 'W/"1", "2"'])
def test_a_condition_tells_nothing_of_a_foreign_task(alice: User, bob: User, condition: str) -> None:
    assert_looks_missing(alice, bob, "GET", headers={"If-None-Match": condition})


def test_query_parameters_are_refused(alice: User) -> None:
    task = alice.create_task()

    assert_refuses_query(alice, "GET", f"/tasks/{task['id']}")


def test_a_task_is_answered_with_its_version(alice: User) -> None:
    task = alice.create_task("Water the plants", description=" both  of them\n", completed=True)

    response = alice.get(f"/tasks/{task['id']}")

    assert response.status_code == 200
    assert response.json() == task
    assert response.headers["etag"] == f'"{task["revision"]}"'
    assert response.headers["cache-control"] == "private, no-cache"


def test_the_fields_are_those_of_the_contract_in_its_order(alice: User) -> None:
    task = alice.create_task("x", description=None)

    assert list(task) == [
        "id", "title", "description", "completed", "completed_at", "created_at", "updated_at", "revision", "deleted_at",
    ]  # fmt: skip
    assert UUID(task["id"]).version == 7
    assert (task["description"], task["completed"], task["completed_at"], task["deleted_at"]) == (
        None,
        False,
        None,
        None,
    )
    assert isinstance(task["revision"], int)


def test_times_are_utc_with_one_spelling_of_the_offset(alice: User) -> None:
    started = datetime.now(UTC)
    task = alice.create_task(completed=True)
    alice.patch(f"/tasks/{task['id']}", json={"title": "again"})
    alice.trash(task["id"])

    (trashed,) = alice.tasks(trashed="true")

    times = [trashed[name] for name in ("created_at", "updated_at", "completed_at", "deleted_at")]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?\+00:00", value) for value in times)
    assert all(abs((datetime.fromisoformat(value) - started).total_seconds()) < 60 for value in times)


def test_an_id_is_read_in_either_case(alice: User) -> None:
    task = alice.create_task()

    assert alice.get_task(task["id"].upper()) == task


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_an_unchanged_task_is_not_sent_again(alice: User, method: str) -> None:
    task = alice.create_task()
    tag = f'"{task["revision"]}"'

    for condition in (tag, f"W/{tag}", "*", f'"x", {tag}', f'"x" ,W/{tag}', f"{tag},"):
        response = alice.request(method, f"/tasks/{task['id']}", headers={"If-None-Match": condition})
        assert (response.status_code, response.content) == (304, b""), condition
        assert response.headers["etag"] == tag


def test_several_header_lines_of_a_condition_are_one_list(alice: User) -> None:
    task = alice.create_task()
    lines = [("If-None-Match", '"x"'), ("If-None-Match", f'"{task["revision"]}"')]

    assert alice.get(f"/tasks/{task['id']}", headers=lines).status_code == 304


def test_a_changed_task_is_sent(alice: User) -> None:
    task = alice.create_task()
    revision = task["revision"]

    for condition in (f'"{revision + 1}"', f"{revision}", f'"{revision}', '""', "", f'"a{revision}"', '"*"'):
        response = alice.get(f"/tasks/{task['id']}", headers={"If-None-Match": condition})
        assert (response.status_code, response.json()) == (200, task), condition


def test_one_round_trip_answers_a_task(alice: User, statements: Trace) -> None:
    task = alice.create_task()
    statements.reset()

    alice.get_task(task["id"])

    assert statements.round_trips == 1


def test_a_missing_task_costs_one_round_trip_and_a_malformed_id_none(alice: User, statements: Trace) -> None:
    alice.get(f"/tasks/{UNKNOWN}")
    missing = statements.round_trips
    statements.reset()

    alice.get("/tasks/x")

    assert missing == 1
    assert statements.round_trips <= 1
