"""PATCH /tasks/{id}"""

from typing import Any

import pytest

from tests.support.clients import Client, User
from tests.support.wire import Trace

from .preconditions import assert_conditions_guard
from .refusals import (
    assert_looks_missing,
    assert_names_bad_fields,
    assert_refuses_bodies,
    assert_refuses_query,
    assert_refuses_strangers,
)


def test_a_stranger_is_refused(anonymous: Client, alice: User) -> None:
    assert_refuses_strangers(anonymous, "PATCH", f"/tasks/{alice.create_task()['id']}", json={"title": "x"})


@pytest.mark.parametrize("body", [{"title": "x"}, {}])
@pytest.mark.parametrize("headers", [{}, {"If-Match": "*"}, {"If-Match": '"1"'}])
def test_a_foreign_task_looks_missing(alice: User, bob: User, body: dict[str, str], headers: dict[str, str]) -> None:
    assert_looks_missing(alice, bob, "PATCH", json=body, headers=headers)


def test_a_body_that_is_no_object_is_refused(alice: User) -> None:
    task = alice.create_task()

    assert_refuses_bodies(alice, "PATCH", f"/tasks/{task['id']}")

    assert alice.get_task(task["id"]) == task


def test_every_bad_field_is_named(alice: User) -> None:
    task = alice.create_task()

    assert_names_bad_fields(alice, "PATCH", f"/tasks/{task['id']}", absent_title=False)

    assert alice.get_task(task["id"]) == task


def test_query_parameters_are_refused(alice: User) -> None:
    assert_refuses_query(alice, "PATCH", f"/tasks/{alice.create_task()['id']}", json={"title": "x"})


@pytest.mark.parametrize(
    ("field", "value"), [("title", "new"), ("description", "new"), ("description", None), ("completed", True)]
)
def test_the_given_value_is_set_and_the_others_stay(alice: User, field: str, value: Any) -> None:
    task = alice.create_task("old", description="old")

    response = alice.patch(f"/tasks/{task['id']}", json={field: value})

    changed = response.json()
    kept = {"id", "title", "description", "completed", "created_at", "deleted_at"} - {field}
    assert changed[field] == value
    assert {name: changed[name] for name in kept} == {name: task[name] for name in kept}
    assert changed["revision"] > task["revision"]
    assert changed["updated_at"] > task["updated_at"]
    assert response.headers["etag"] == f'"{changed["revision"]}"'
    assert alice.get_task(task["id"]) == changed


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"title": "x"},
        {"title": " x\n"},
        {"description": None},
        {"completed": False},
        {"title": "x", "completed": False},
    ],
)
def test_values_that_are_stored_already_change_nothing(alice: User, values: dict[str, Any]) -> None:
    task = alice.create_task("x")

    response = alice.patch(f"/tasks/{task['id']}", json=values)

    assert (response.status_code, response.json()) == (200, task)
    assert response.headers["etag"] == f'"{task["revision"]}"'


def test_a_change_of_case_alone_is_a_change(alice: User) -> None:
    task = alice.create_task("milk")

    changed = alice.patch(f"/tasks/{task['id']}", json={"title": "Milk"}).json()

    assert (changed["title"], changed["revision"] > task["revision"]) == ("Milk", True)


def test_completion_has_a_time_while_it_lasts(alice: User) -> None:
    task = alice.create_task()
    path = f"/tasks/{task['id']}"

    completed = alice.patch(path, json={"completed": True}).json()
    renamed = alice.patch(path, json={"title": "renamed"}).json()
    reopened = alice.patch(path, json={"completed": False}).json()
    again = alice.patch(path, json={"completed": True}).json()

    assert completed["completed_at"] == completed["updated_at"]
    assert renamed["completed_at"] == completed["completed_at"]
    assert reopened["completed_at"] is None
    assert again["completed_at"] > completed["completed_at"]


@pytest.mark.parametrize("body", [{"title": "new"}, {}])
def test_a_condition_guards_the_write(alice: User, body: dict[str, str]) -> None:
    assert_conditions_guard(alice, "PATCH", json=body)


def test_a_bad_body_wins_over_a_failed_condition(alice: User) -> None:
    task = alice.create_task()

    response = alice.patch(f"/tasks/{task['id']}", json={"title": None}, headers={"If-Match": '"0"'})

    assert response.status_code == 422


@pytest.mark.parametrize("body", [{"title": "new"}, {"completed": True}, {}])
def test_one_round_trip_updates_a_task(alice: User, statements: Trace, body: dict[str, Any]) -> None:
    task = alice.create_task()
    statements.reset()

    alice.patch(f"/tasks/{task['id']}", json=body, headers={"If-Match": f'"{task["revision"]}"'})

    assert statements.round_trips == 1
