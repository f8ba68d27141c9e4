"""POST /tasks/{id}/restore and DELETE /tasks/{id}?permanent=true"""

from typing import Any

import pytest

from tests.support.clients import Client, User
from tests.support.wire import Trace

from .refusals import (
    MALFORMED,
    UNKNOWN,
    assert_code,
    assert_refuses_query,
    assert_refuses_strangers,
    bad_locations,
    comparable,
)

WAYS_OUT = [("POST", "/restore"), ("DELETE", "?permanent=true")]


def trashed_task(user: User, title: str = "trashed") -> str:
    task_id: str = user.create_task(title)["id"]
    user.trash(task_id)
    return task_id


@pytest.mark.parametrize(("method", "suffix"), WAYS_OUT)
def test_a_stranger_is_refused(anonymous: Client, alice: User, method: str, suffix: str) -> None:
    assert_refuses_strangers(anonymous, method, f"/tasks/{trashed_task(alice)}{suffix}")
    assert_refuses_strangers(anonymous, method, f"/tasks/{UNKNOWN}{suffix}")


@pytest.mark.parametrize(("method", "suffix"), WAYS_OUT)
@pytest.mark.parametrize("headers", [{}, {"If-Match": "*"}, {"If-Match": '"1"'}])
def test_a_foreign_task_looks_missing(
    alice: User, bob: User, method: str, suffix: str, headers: dict[str, str]
) -> None:
    foreign_live, foreign_trashed = bob.create_task("bob's"), trashed_task(bob)
    trash = bob.tasks(trashed="true")
    unknown = alice.request(method, f"/tasks/{UNKNOWN}{suffix}", headers=headers)

    assert_code(unknown, 404, "not_found")
    for task_id in (foreign_live["id"], foreign_trashed, *MALFORMED):
        response = alice.request(method, f"/tasks/{task_id}{suffix}", headers=headers)
        assert comparable(response) == comparable(unknown), task_id
    assert bob.tasks() == [foreign_live]
    assert bob.tasks(trashed="true") == trash


@pytest.mark.parametrize(("method", "suffix"), WAYS_OUT)
def test_a_live_task_is_not_in_the_trash(alice: User, method: str, suffix: str) -> None:
    task = alice.create_task()

    assert_code(alice.request(method, f"/tasks/{task['id']}{suffix}"), 409, "not_in_trash")
    assert alice.get_task(task["id"]) == task


def test_query_parameters_of_a_restore_are_refused(alice: User) -> None:
    assert_refuses_query(alice, "POST", f"/tasks/{trashed_task(alice)}/restore")


@pytest.mark.parametrize("query", ["permanent=1", "permanent=True", "permanent=", "permanent=true&permanent=true"])
def test_permanent_is_true_or_false(alice: User, query: str) -> None:
    task_id = trashed_task(alice)

    assert bad_locations(alice.delete(f"/tasks/{task_id}?{query}")) == [["query", "permanent"]]
    assert len(alice.tasks(trashed="true")) == 1


def test_permanent_false_is_a_plain_delete(alice: User) -> None:
    task = alice.create_task()

    assert alice.delete(f"/tasks/{task['id']}?permanent=false").status_code == 204
    assert [item["id"] for item in alice.tasks(trashed="true")] == [task["id"]]
    assert_code(alice.delete(f"/tasks/{task['id']}?permanent=false"), 404, "not_found")


def test_a_restored_task_is_as_it_was_with_a_new_revision(alice: User) -> None:
    task = alice.create_task("one", description="text", completed=True)
    alice.trash(task["id"])
    (gone,) = alice.tasks(trashed="true")

    response = alice.post(f"/tasks/{task['id']}/restore")

    restored = response.json()
    changed = {"revision": restored["revision"], "updated_at": restored["updated_at"]}
    assert (response.status_code, restored) == (200, task | changed)
    assert restored["revision"] > gone["revision"] > task["revision"]
    assert restored["updated_at"] > gone["updated_at"] > task["updated_at"]
    assert response.headers["etag"] == f'"{restored["revision"]}"'
    assert alice.get_task(task["id"]) == restored
    assert alice.tasks() == [restored]
    assert alice.tasks(trashed="true") == []


def test_a_second_restore_finds_a_live_task(alice: User) -> None:
    task_id = trashed_task(alice)
    alice.post(f"/tasks/{task_id}/restore")

    assert_code(alice.post(f"/tasks/{task_id}/restore"), 409, "not_in_trash")


def test_a_permanent_delete_leaves_nothing(alice: User) -> None:
    task_id = trashed_task(alice)
    kept = alice.create_task("kept")

    response = alice.delete(f"/tasks/{task_id}", params={"permanent": "true"})

    assert (response.status_code, response.content) == (204, b"")
    assert alice.tasks(trashed="true") == []
    assert alice.tasks() == [kept]
    for method, suffix in (*WAYS_OUT, ("GET", ""), ("DELETE", "")):
        assert_code(alice.request(method, f"/tasks/{task_id}{suffix}"), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "suffix", "body"),
    [
        ("GET", "", {}),
        ("PUT", "", {"json": {"title": "x"}}),
        ("PATCH", "", {"json": {"title": "x"}}),
        ("PATCH", "", {"json": {}}),
        ("PATCH", "/complete", {}),
        ("DELETE", "", {}),
    ],
)
def test_a_trashed_task_answers_404_to_everything_else(
    alice: User, method: str, suffix: str, body: dict[str, Any]
) -> None:
    task_id = trashed_task(alice)
    before = alice.tasks(trashed="true")

    for condition in ({}, {"If-Match": "*"}, {"If-Match": '"0"'}, {"If-None-Match": "*"}):
        response = alice.request(method, f"/tasks/{task_id}{suffix}", headers=condition, **body)
        assert_code(response, 404, "not_found")
    assert alice.tasks(trashed="true") == before


@pytest.mark.parametrize(("method", "suffix"), WAYS_OUT)
def test_one_round_trip_takes_a_task_out_of_the_trash(alice: User, statements: Trace, method: str, suffix: str) -> None:
    task_id = trashed_task(alice)
    statements.reset()
    response = alice.request(method, f"/tasks/{task_id}{suffix}")

    assert response.status_code in (200, 204)
    assert statements.round_trips == 1
