"""PATCH /tasks/{id}/complete"""

from typing import Any

import pytest

from tests.support.clients import Client, User
from tests.support.wire import Trace

from .preconditions import assert_conditions_guard
from .refusals import (
    BAD_COMPLETED,
    NOT_AN_OBJECT,
    NOT_JSON,
    assert_code,
    assert_looks_missing,
    assert_refuses_query,
    assert_refuses_strangers,
    bad_locations,
)

JSON = {"Content-Type": "application/json"}


def test_a_stranger_is_refused(anonymous: Client, alice: User) -> None:
    assert_refuses_strangers(anonymous, "PATCH", f"/tasks/{alice.create_task()['id']}/complete")


@pytest.mark.parametrize("body", [None, {"completed": False}])
@pytest.mark.parametrize("headers", [{}, {"If-Match": '"1"'}])
def test_a_foreign_task_looks_missing(alice: User, bob: User, body: Any, headers: dict[str, str]) -> None:
    assert_looks_missing(alice, bob, "PATCH", "/complete", json=body, headers=headers)


def test_a_bad_body_is_refused(alice: User) -> None:
    task = alice.create_task()
    path = f"/tasks/{task['id']}/complete"

    for body in filter(bytes.strip, NOT_JSON):
        assert_code(alice.patch(path, content=body, headers=JSON), 400, "malformed_json")
    for body in NOT_AN_OBJECT:
        assert bad_locations(alice.patch(path, content=body, headers=JSON)) == [["body"]]
    for value in (*BAD_COMPLETED, None):
        assert bad_locations(alice.patch(path, json={"completed": value})) == [["body", "completed"]]
    assert bad_locations(alice.patch(path, json={"title": "x"})) == [["body", "title"]]
    wrong_type = alice.patch(path, content=b"{}", headers={"Content-Type": "text/plain"})
    assert_code(wrong_type, 415, "unsupported_media_type")

    assert alice.get_task(task["id"]) == task


def test_query_parameters_are_refused(alice: User) -> None:
    assert_refuses_query(alice, "PATCH", f"/tasks/{alice.create_task()['id']}/complete")


@pytest.mark.parametrize("content", [b"", b"{}", b'{"completed": true}'])
def test_a_task_is_completed(alice: User, content: bytes) -> None:
    task = alice.create_task("x", description="y")

    response = alice.patch(f"/tasks/{task['id']}/complete", content=content)

    changed = response.json()
    assert (response.status_code, changed["completed"]) == (200, True)
    assert changed["completed_at"] == changed["updated_at"]
    assert (changed["title"], changed["description"]) == ("x", "y")
    assert response.headers["etag"] == f'"{changed["revision"]}"'
    assert alice.get_task(task["id"]) == changed


def test_a_task_is_reopened(alice: User) -> None:
    task = alice.create_task(completed=True)

    changed = alice.patch(f"/tasks/{task['id']}/complete", json={"completed": False}).json()

    assert (changed["completed"], changed["completed_at"]) == (False, None)
    assert changed["revision"] > task["revision"]


@pytest.mark.parametrize("completed", [True, False])
def test_repeating_it_changes_nothing(alice: User, completed: bool) -> None:
    task = alice.create_task(completed=completed)

    response = alice.patch(f"/tasks/{task['id']}/complete", json={"completed": completed})

    assert (response.status_code, response.json()) == (200, task)


def test_a_condition_guards_the_write(alice: User) -> None:
    assert_conditions_guard(alice, "PATCH", "/complete")


def test_one_round_trip_completes_a_task(alice: User, statements: Trace) -> None:
    task = alice.create_task()
    statements.reset()

    alice.patch(f"/tasks/{task['id']}/complete")

    assert statements.round_trips == 1
