"""Idempotency-Key on POST /tasks and POST /tasks/batch"""

from typing import Any
from uuid import uuid4

import httpx
import pytest
from django.db import connection, transaction
from pytest_django import Settings

from tasks.models import IdempotencyRecord
from tests.support.clients import Client, User
from tests.support.wire import Trace

from .refusals import assert_code, assert_refuses_strangers, bad_locations

CALLS = [
    ("/tasks", {"title": "once"}),
    ("/tasks/batch", {"operations": [{"op": "create", "task": {"title": "once"}}]}),
]


def send(user: Client, path: str, body: Any, key: str, **headers: str) -> httpx.Response:
    return user.post(path, json=body, headers={"Idempotency-Key": key, **headers})


def fresh_key() -> str:
    return uuid4().hex


@pytest.mark.parametrize(("path", "body"), CALLS)
def test_a_stranger_is_refused(anonymous: Client, alice: User, path: str, body: Any) -> None:
    key = fresh_key()
    send(alice, path, body, key)

    assert_refuses_strangers(anonymous, "POST", path, json=body)
    assert_code(send(anonymous, path, body, key), 401, "not_authenticated")


@pytest.mark.parametrize(("path", "body"), CALLS)
def test_a_retry_gets_the_first_answer_again(alice: User, path: str, body: Any) -> None:
    key = fresh_key()

    first = send(alice, path, body, key)
    retries = [send(alice, path, body, key) for _ in range(3)]

    assert "idempotency-replayed" not in first.headers
    for retry in retries:
        assert (retry.status_code, retry.content) == (first.status_code, first.content)
        for name in ("etag", "location", "content-type", "cache-control"):
            assert retry.headers.get(name) == first.headers.get(name)
        assert retry.headers["idempotency-replayed"] == "true"
    assert alice.titles() == ["once"]


def test_a_replay_carries_its_own_request_id(alice: User) -> None:
    key = fresh_key()

    answers = [send(alice, *CALLS[0], key, **{"X-Request-ID": name}) for name in ("first", "second")]

    assert [answer.headers["x-request-id"] for answer in answers] == ["first", "second"]


def test_a_replay_shows_the_task_as_it_was(alice: User) -> None:
    key = fresh_key()
    task = send(alice, *CALLS[0], key).json()
    alice.patch(f"/tasks/{task['id']}", json={"title": "changed"})
    alice.trash(task["id"])

    assert send(alice, *CALLS[0], key).json() == task


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/tasks", {"title": "another"}),
        ("/tasks", {"title": "once", "completed": False}),
        ("/tasks/batch", CALLS[1][1]),
    ],
)
def test_a_key_is_good_for_one_request_only(alice: User, path: str, body: Any) -> None:
    key = fresh_key()
    send(alice, *CALLS[0], key)

    assert_code(send(alice, path, body, key), 422, "idempotency_key_reused")
    assert alice.titles() == ["once"]


def test_keys_of_different_users_are_different(alice: User, bob: User) -> None:
    key = fresh_key()

    answers = [send(user, *CALLS[0], key) for user in (alice, bob)]

    assert ["idempotency-replayed" in answer.headers for answer in answers] == [False, False]
    assert alice.tasks()[0]["id"] != bob.tasks()[0]["id"]


def test_calls_without_a_key_and_with_other_keys_are_new(alice: User) -> None:
    for key in (fresh_key(), "a", "A"):
        send(alice, *CALLS[0], key)
    alice.post("/tasks", json=CALLS[0][1])

    assert len(alice.tasks()) == 4


@pytest.mark.parametrize("key", ["!", "~", '"quoted"', "a,b;c=d", "x" * 255])
def test_any_visible_ascii_of_1_to_255_characters_is_a_key(alice: User, key: str) -> None:
    assert [send(alice, *CALLS[0], key).status_code for _ in range(2)] == [201, 201]
    assert len(alice.tasks()) == 1


@pytest.mark.parametrize(("path", "body"), CALLS)
@pytest.mark.parametrize("key", [b"", b"x" * 256, b"a b", b"a\tb", b"\xe9", "é".encode(), b"\x80"])
def test_anything_else_is_refused(alice: User, path: str, body: Any, key: bytes) -> None:
    response = alice.post(path, json=body, headers=[(b"Idempotency-Key", key)])

    assert bad_locations(response) == [["header", "Idempotency-Key"]]
    assert alice.tasks() == []


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/tasks", {"title": ""}, 422),
        ("/tasks", [], 422),
        ("/tasks/batch", {"operations": [{"op": "delete", "id": "x"}]}, 404),
        ("/tasks/batch", {"operations": []}, 422),
    ],
)
def test_a_refusal_is_not_recorded(alice: User, path: str, body: Any, status: int) -> None:
    key = fresh_key()
    refused = send(alice, path, body, key)

    accepted = send(alice, *CALLS[0], key)

    assert (refused.status_code, accepted.status_code) == (status, 201)
    assert "idempotency-replayed" not in accepted.headers


def test_the_same_refusal_is_found_again_and_the_repaired_state_is_not(alice: User) -> None:
    """What was refused runs anew: here the task has come out of the trash meanwhile."""
    task, key = alice.create_task("one"), fresh_key()
    alice.trash(task["id"])
    batch = {"operations": [{"op": "complete", "id": task["id"]}]}
    assert_code(send(alice, "/tasks/batch", batch, key), 404, "not_found")
    alice.post(f"/tasks/{task['id']}/restore")

    assert send(alice, "/tasks/batch", batch, key).status_code == 200


def test_neither_the_record_nor_the_work_exists_without_the_other(alice: User, database: None) -> None:
    """The record cannot be written here, so the task must not be there either."""
    with connection.cursor() as cursor:
        refuse = f"CONSTRAINT refuse CHECK (user_id <> '{alice.subject}')"
        cursor.execute(f"ALTER TABLE tasks_idempotencyrecord ADD {refuse}")
    try:
        response = send(alice, *CALLS[0], fresh_key())
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE tasks_idempotencyrecord DROP CONSTRAINT refuse")

    assert_code(response, 500, "internal_error")
    assert alice.tasks() == []
    assert not IdempotencyRecord.unscoped.filter(user=alice.subject).exists()


@pytest.mark.parametrize(("hours", "replayed"), [(23.9, True), (24.1, False)])
def test_a_key_is_good_for_24_hours(alice: User, database: None, hours: float, replayed: bool) -> None:
    key = fresh_key()
    send(alice, *CALLS[0], key)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE tasks_idempotencyrecord SET created_at = created_at - %s * interval '1 hour' WHERE user_id = %s",
            [hours, alice.subject],
        )

    again = [send(alice, *CALLS[0], key) for _ in range(2)]

    assert ["idempotency-replayed" in answer.headers for answer in again] == [replayed, True]
    assert len(alice.tasks()) == (1 if replayed else 2)


def test_an_expired_key_may_be_used_for_another_request(alice: User, database: None) -> None:
    key = fresh_key()
    send(alice, *CALLS[0], key)
    IdempotencyRecord.unscoped.filter(user=alice.subject).update(created_at="2020-01-01T00:00:00Z")

    answers = [send(alice, "/tasks", {"title": "another"}, key) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert sorted(alice.titles()) == ["another", "once"]


def test_keys_mean_nothing_elsewhere(alice: User) -> None:
    task, key = alice.create_task("one"), fresh_key()

    for title in ("two", "three"):
        response = alice.patch(f"/tasks/{task['id']}", json={"title": title}, headers={"Idempotency-Key": key})
        assert response.json()["title"] == title


def test_a_call_with_a_key_costs_three_round_trips_and_a_replay_two(alice: User, statements: Trace) -> None:
    key = fresh_key()
    alice.get("/me")
    statements.reset()
    send(alice, *CALLS[0], key)
    first = statements.round_trips
    statements.reset()
    send(alice, *CALLS[0], key)

    assert (first, statements.round_trips) == (3, 2)


@pytest.mark.parametrize(("path", "body"), CALLS)
def test_a_call_that_waits_too_long_for_another_says_so_and_may_be_repeated(
    alice: User, database: None, settings: Settings, path: str, body: Any
) -> None:
    alice.get("/me")
    key, settings.DATABASE_STATEMENT_TIMEOUT_MS = fresh_key(), 200
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT FROM authn_account WHERE id = %s FOR NO KEY UPDATE", [alice.subject])
        refused = send(alice, path, body, key)

    assert_code(refused, 409, "idempotency_key_in_use")
    assert int(refused.headers["retry-after"]) > 0
    assert "idempotency-replayed" not in send(alice, path, body, key).headers
    assert alice.titles() == ["once"]
