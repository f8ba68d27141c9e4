"""DELETE /tasks/{id}"""

import pytest

from tests.support.clients import Client, User
from tests.support.wire import Trace

from .preconditions import assert_conditions_guard
from .refusals import UNKNOWN, assert_looks_missing, assert_refuses_strangers, bad_locations


def test_a_stranger_is_refused(anonymous: Client, alice: User) -> None:
    task = alice.create_task()

    assert_refuses_strangers(anonymous, "DELETE", f"/tasks/{task['id']}")

    assert alice.get_task(task["id"]) == task


@pytest.mark.parametrize("headers", [{}, {"If-Match": "*"}, {"If-Match": '"1"'}])
def test_a_foreign_task_looks_missing(alice: User, bob: User, headers: dict[str, str]) -> None:
    assert_looks_missing(alice, bob, "DELETE", headers=headers)


def test_unknown_query_parameters_are_refused(alice: User) -> None:
    task = alice.create_task()

    response = alice.delete(f"/tasks/{task['id']}", params={"force": "true", "x": "y"})

    assert bad_locations(response) == [["query", "force"], ["query", "x"]]
    assert alice.get_task(task["id"]) == task


def test_a_task_goes_to_the_trash(alice: User) -> None:
    task, other = alice.create_task(completed=True), alice.create_task()

    response = alice.delete(f"/tasks/{task['id']}")

    assert (response.status_code, response.content) == (204, b"")
    assert "content-type" not in response.headers
    assert alice.tasks() == [other]
    (trashed,) = alice.tasks(trashed="true")
    assert task["updated_at"] < trashed["deleted_at"] <= trashed["updated_at"]
    assert trashed["revision"] > other["revision"]
    kept = ("id", "title", "description", "completed", "completed_at", "created_at")
    assert {name: trashed[name] for name in kept} == {name: task[name] for name in kept}


def test_a_second_call_finds_nothing(alice: User) -> None:
    task = alice.create_task()
    alice.trash(task["id"])
    (trashed,) = alice.tasks(trashed="true")

    response = alice.delete(f"/tasks/{task['id']}")

    assert response.status_code == 404
    assert alice.tasks(trashed="true") == [trashed]


def test_a_condition_guards_the_write(alice: User) -> None:
    assert_conditions_guard(alice, "DELETE", status=204)


def test_one_round_trip_deletes_a_task(alice: User, statements: Trace) -> None:
    task = alice.create_task()
    statements.reset()

    alice.trash(task["id"])

    assert statements.round_trips == 1


def test_a_missing_task_costs_one_round_trip_more_at_most(alice: User, statements: Trace) -> None:
    alice.delete(f"/tasks/{UNKNOWN}")
    plain = statements.round_trips
    statements.reset()

    alice.delete(f"/tasks/{UNKNOWN}", headers={"If-Match": '"1"'})

    assert plain <= 2
    assert statements.round_trips <= 2
