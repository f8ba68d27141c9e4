"""PUT /tasks/{id}"""

from typing import Any

import pytest

from tests.support.clients import Client, User
from tests.support.wire import Trace

from .preconditions import assert_conditions_guard
from .refusals import (
    UNKNOWN,
    assert_looks_missing,
    assert_names_bad_fields,
    assert_refuses_bodies,
    assert_refuses_query,
    assert_refuses_strangers,
)

WHOLE = {"title": "new", "description": "new", "completed": True}


def test_a_stranger_is_refused(anonymous: Client, alice: User) -> None:
    assert_refuses_strangers(anonymous, "PUT", f"/tasks/{alice.create_task()['id']}", json=WHOLE)


@pytest.mark.parametrize("headers", [{}, {"If-Match": "*"}, {"If-Match": '"1"'}])
def test_a_foreign_task_looks_missing(alice: User, bob: User, headers: dict[str, str]) -> None:
    assert_looks_missing(alice, bob, "PUT", json=WHOLE, headers=headers)


def test_a_body_that_is_no_object_is_refused(alice: User) -> None:
    task = alice.create_task()

    assert_refuses_bodies(alice, "PUT", f"/tasks/{task['id']}")

    assert alice.get_task(task["id"]) == task


def test_every_bad_field_is_named(alice: User) -> None:
    task = alice.create_task()

    assert_names_bad_fields(alice, "PUT", f"/tasks/{task['id']}")

    assert alice.get_task(task["id"]) == task


def test_query_parameters_are_refused(alice: User) -> None:
    assert_refuses_query(alice, "PUT", f"/tasks/{alice.create_task()['id']}", json=WHOLE)


def test_all_three_values_are_replaced(alice: User) -> None:
    task = alice.create_task("old", description="old")

    response = alice.put(f"/tasks/{task['id']}", json={**WHOLE, "title": " new "})

    changed = response.json()
    assert {name: changed[name] for name in WHOLE} == WHOLE
    assert changed["revision"] > task["revision"]
    assert changed["updated_at"] > task["updated_at"]
    assert changed["completed_at"] == changed["updated_at"]
    assert (changed["id"], changed["created_at"]) == (task["id"], task["created_at"])
    assert response.headers["etag"] == f'"{changed["revision"]}"'
    assert alice.get_task(task["id"]) == changed


def test_what_is_absent_becomes_its_default(alice: User) -> None:
    task = alice.create_task("old", description="old", completed=True)

    changed = alice.put(f"/tasks/{task['id']}", json={"title": "old"}).json()

    assert (changed["description"], changed["completed"], changed["completed_at"]) == (None, False, None)


@pytest.mark.parametrize("values", [WHOLE, {"title": "x", "description": None, "completed": False}, {"title": "x"}])
def test_the_stored_values_change_nothing(alice: User, values: dict[str, Any]) -> None:
    task = alice.create_task(**values)

    response = alice.put(f"/tasks/{task['id']}", json={**values, "title": f" {values['title']} "})

    assert (response.status_code, response.json()) == (200, task)


def test_a_missing_task_is_not_made(alice: User) -> None:
    assert alice.put(f"/tasks/{UNKNOWN}", json=WHOLE).status_code == 404
    assert alice.tasks() == []


def test_a_condition_guards_the_write(alice: User) -> None:
    assert_conditions_guard(alice, "PUT", json=WHOLE)


def test_a_bad_body_wins_over_a_failed_condition(alice: User) -> None:
    task = alice.create_task()

    response = alice.put(f"/tasks/{task['id']}", json={"title": ""}, headers={"If-Match": '"0"'})

    assert response.status_code == 422


@pytest.mark.parametrize("headers", [{}, {"If-Match": "*"}])
def test_one_round_trip_replaces_a_task(alice: User, statements: Trace, headers: dict[str, str]) -> None:
    task = alice.create_task()
    statements.reset()

    assert alice.put(f"/tasks/{task['id']}", json=WHOLE, headers=headers).status_code == 200

    assert statements.round_trips == 1


def test_a_condition_costs_a_second_round_trip_only_when_it_fails(alice: User, statements: Trace) -> None:
    task = alice.create_task()
    statements.reset()

    alice.put(f"/tasks/{task['id']}", json=WHOLE, headers={"If-Match": f'"{task["revision"]}"'})
    met = statements.round_trips
    statements.reset()
    alice.put(f"/tasks/{task['id']}", json=WHOLE, headers={"If-Match": f'"{task["revision"]}"'})

    assert met == 1
    assert statements.round_trips <= 2
