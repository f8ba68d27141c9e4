"""POST /tasks"""

import re
import sys
from datetime import datetime
from typing import Any

import pytest
from pydantic import ValidationError

from tasks.schemas import TaskCreate
from tests.support.clients import Client, User
from tests.support.wire import Trace

from .refusals import (
    assert_names_bad_fields,
    assert_refuses_bodies,
    assert_refuses_query,
    assert_refuses_strangers,
    bad_locations,
    send_json,
)


def test_a_stranger_is_refused(anonymous: Client) -> None:
    assert_refuses_strangers(anonymous, "POST", "/tasks", json={"title": "x"})


def test_nobody_can_make_a_task_for_somebody_else(alice: User, bob: User) -> None:
    for name in ("user_id", "user", "owner"):
        response = alice.post("/tasks", json={"title": "x", name: bob.subject})
        assert bad_locations(response) == [["body", name]]

    assert bob.tasks() == []
    assert alice.tasks() == []


def test_a_body_that_is_no_object_is_refused(alice: User) -> None:
    assert_refuses_bodies(alice, "POST", "/tasks")
    assert alice.tasks() == []


def test_every_bad_field_is_named(alice: User) -> None:
    assert_names_bad_fields(alice, "POST", "/tasks")
    assert alice.tasks() == []


def test_query_parameters_are_refused(alice: User) -> None:
    assert_refuses_query(alice, "POST", "/tasks", json={"title": "x"})


def test_a_task_is_made_with_defaults(alice: User) -> None:
    response = alice.post("/tasks", json={"title": "Buy oat milk"})

    task = response.json()
    assert response.status_code == 201
    assert response.headers["location"] == f"/api/tasks/{task['id']}"
    assert response.headers["etag"] == f'"{task["revision"]}"'
    assert (task["title"], task["description"], task["completed"]) == ("Buy oat milk", None, False)
    assert task["created_at"] == task["updated_at"]
    assert alice.get(response.headers["location"].removeprefix("/api")).json() == task


def test_a_task_is_made_completed(alice: User) -> None:
    task = alice.create_task("x", description="y", completed=True)

    assert (task["description"], task["completed"]) == ("y", True)
    assert task["completed_at"] == task["created_at"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("  x  ", "x"),
        ("\u00a0\u1680\u2000\u200a\u2028\u2029\u202f\u205f\u3000\u0085\t\nx\r\n", "x"),
        ("a  b", "a  b"),
        ("\u200bx\ufeff", "\u200bx\ufeff"),
        ("\x1fx\x1c", "\x1fx\x1c"),
        ("x" * 200, "x" * 200),
        (" " * 1000 + "🐘" * 200 + " " * 1000, "🐘" * 200),
        ("e\u0301", "e\u0301"),
        ("\u202eevil", "\u202eevil"),
        ("👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧"),
        ("<b>\"&\\%_'", "<b>\"&\\%_'"),
        ("\ud83d\ude00", "😀"),
    ],
)
def test_a_title_is_trimmed_of_white_space_and_of_nothing_else(alice: User, given: str, kept: str) -> None:
    response = send_json(alice, "POST", "/tasks", {"title": given})

    assert response.status_code == 201, response.text
    assert response.json()["title"] == kept
    assert alice.titles() == [kept]


def test_the_contract_knows_what_is_white_space_as_the_server_does() -> None:
    """Every character that anybody takes for white space, and its neighbours."""
    near = {n + d for n in range(sys.maxunicode) if chr(n).isspace() or n == 0xFEFF for d in (-1, 0, 1) if n + d > 0}
    contract = re.compile(TaskCreate.model_json_schema()["properties"]["title"]["pattern"])

    differing = [hex(n) for n in sorted(near) if bool(contract.search(chr(n))) != accepted(chr(n))]

    assert differing == []


def accepted(title: str) -> bool:
    try:
        return bool(TaskCreate(title=title))
    except ValidationError:
        return False


@pytest.mark.parametrize("text", ["", " ", "\n x \t", "x" * 10_000, "🐘" * 10_000, "\u3000", "\x01\x1f\x7f"])
def test_a_description_is_kept_as_it_is(alice: User, text: str) -> None:
    task = alice.create_task(description=text)

    assert task["description"] == text
    assert alice.get_task(task["id"])["description"] == text


@pytest.mark.parametrize(
    "kind", [None, "application/json", "Application/JSON; charset=UTF-8", "application/json;charset=utf8"]
)
def test_json_is_read_whatever_the_spelling_of_its_type(alice: User, kind: str | None) -> None:
    headers = {} if kind is None else {"Content-Type": kind}

    response = alice.post("/tasks", content='{"title": "Käse"}'.encode(), headers=headers)

    assert (response.status_code, response.json().get("title")) == (201, "Käse")


def test_ids_and_revisions_grow_with_every_task(alice: User) -> None:
    made = [alice.create_task(str(number)) for number in range(20)]

    assert [task["id"] for task in made] == sorted(task["id"] for task in made)
    assert [task["revision"] for task in made] == sorted({task["revision"] for task in made})
    times = [datetime.fromisoformat(task["created_at"]) for task in made]
    assert times == sorted(times)


@pytest.mark.parametrize("body", [{"title": "x"}, {"title": "x", "description": "y", "completed": True}])
def test_one_round_trip_makes_a_task(alice: User, statements: Trace, body: dict[str, Any]) -> None:
    alice.post("/tasks", json=body)

    assert statements.round_trips == 1
