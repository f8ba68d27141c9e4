"""DELETE /me, and accounts that may not act"""

from typing import Any

import pytest
from django.core.management import call_command

from authn.models import Account
from authn.ownership import owned_models
from tests.support.clients import Client, NewUser, User
from tests.support.wire import Trace

from .refusals import (
    UNKNOWN,
    assert_code,
    assert_refuses_bodies,
    assert_refuses_strangers,
    bad_locations,
    send_json,
)


@pytest.fixture(autouse=True)
def _database(database: None) -> None:
    pass


def erase(user: User) -> None:
    assert user.request("DELETE", "/me", json={"confirm": user.subject}).status_code == 204


def suspend(user: User) -> None:
    Account.objects.filter(pk=user.subject).update(status=Account.Status.SUSPENDED)


def rows_of(user: User) -> dict[str, int]:
    return {model.__name__: model.unscoped.filter(user=user.subject).count() for model in owned_models()}


def test_a_stranger_is_refused(anonymous: Client) -> None:
    assert_refuses_strangers(anonymous, "DELETE", "/me", json={"confirm": "x"})


def test_a_call_without_a_body_is_refused(alice: User) -> None:
    alice.create_task()

    assert_code(alice.delete("/me"), 400, "malformed_json")
    assert len(alice.tasks()) == 1


def test_a_body_that_is_no_object_is_refused(alice: User) -> None:
    assert_refuses_bodies(alice, "DELETE", "/me")
    assert alice.get("/me").status_code == 200


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"confirm": ""}, "confirm"),
        ({"confirm": None}, "confirm"),
        ({"confirm": True}, "confirm"),
        ({"confirm": "{subject} "}, "confirm"),
        ({"confirm": "{SUBJECT}"}, "confirm"),
        ({"confirm": ["{subject}"]}, "confirm"),
        ({}, "confirm"),
        ({"confirm": "{subject}", "force": True}, "force"),
    ],
)
def test_a_wrong_confirmation_changes_nothing(alice: User, body: dict[str, Any], name: str) -> None:
    task = alice.create_task()
    if isinstance(body.get("confirm"), str):
        body = body | {"confirm": body["confirm"].format(subject=alice.subject, SUBJECT=alice.subject.upper())}

    assert bad_locations(send_json(alice, "DELETE", "/me", body)) == [["body", name]]
    assert alice.tasks() == [task]


def test_query_parameters_are_refused(alice: User) -> None:
    response = alice.request("DELETE", "/me?permanent=true", json={"confirm": alice.subject})

    assert bad_locations(response) == [["query", "permanent"]]
    assert alice.get("/me").status_code == 200


def test_everything_of_the_caller_is_gone_and_nothing_of_others(new_user: NewUser, bob: User) -> None:
    carol = new_user("carol", email="carol@example.com", name="Carol")
    for user in (carol, bob):
        user.post("/tasks", json={"title": "kept for a retry"}, headers={"Idempotency-Key": "k"})
        user.trash(user.create_task("trashed")["id"])
    others = rows_of(bob)

    response = carol.request("DELETE", "/me", json={"confirm": carol.subject})

    assert (response.status_code, response.content) == (204, b"")
    assert set(rows_of(carol).values()) == {0}
    account = Account.objects.get(pk=carol.subject)
    assert (account.status, account.email, account.name) == ("erased", None, None)
    assert rows_of(bob) == others
    assert {"Task": 2, "IdempotencyRecord": 1}.items() <= others.items()


def calls(task_id: str, trashed_id: str, etag: str) -> list[tuple[str, str, dict[str, Any]]]:
    """A call for each answer that 403 comes before: 304, 404, 409, 410, 412, 422 and replays."""
    title = {"json": {"title": "x"}}
    return [
        ("GET", "/me", {}),
        ("GET", "/me?x=1", {}),
        ("GET", "/me/export", {}),
        ("DELETE", "/me", {"json": {"confirm": "wrong"}}),
        ("GET", "/tasks", {}),
        ("HEAD", "/tasks", {}),
        ("GET", "/tasks?limit=0", {}),
        ("GET", "/tasks?cursor=x", {}),
        ("GET", "/tasks", {"headers": {"If-None-Match": "*"}}),
        ("GET", "/tasks", {"headers": {"If-None-Match": etag}}),
        ("GET", "/tasks/changes", {}),
        ("GET", "/tasks/changes?since=x", {}),
        ("POST", "/tasks", title),
        ("POST", "/tasks", {"json": {"title": ""}}),
        ("POST", "/tasks", title | {"headers": {"Idempotency-Key": "used"}}),
        ("POST", "/tasks", {"json": {"title": "y"}, "headers": {"Idempotency-Key": "used"}}),
        ("POST", "/tasks", title | {"headers": {"Idempotency-Key": "new"}}),
        ("POST", "/tasks", title | {"headers": {"Idempotency-Key": "a b"}}),
        ("POST", "/tasks/batch", {"json": {"operations": [{"op": "create", "task": {"title": "x"}}]}}),
        ("POST", "/tasks/batch", {"json": {"operations": []}}),
        ("POST", "/tasks/batch", {"json": {"operations": [{"op": "delete", "id": UNKNOWN}]}}),
        *[
            (method, f"/tasks/{target}{suffix}", extra | {"headers": headers})
            for target in (task_id, trashed_id, UNKNOWN, "malformed")
            for headers in ({}, {"If-Match": '"0"', "If-None-Match": "*"})
            for method, suffix, extra in (
                ("GET", "", {}),
                ("PUT", "", title),
                ("PATCH", "", title),
                ("PATCH", "", {"json": {}}),
                ("PATCH", "", {"json": {"title": None}}),
                ("PATCH", "/complete", {}),
                ("POST", "/restore", {}),
                ("DELETE", "", {}),
                ("DELETE", "?permanent=true", {}),
                ("DELETE", "?permanent=x", {}),
            )
        ],
    ]


@pytest.mark.parametrize(("stop", "code"), [(erase, "account_erased"), (suspend, "account_suspended")])
def test_an_account_that_may_not_act_learns_that_first(alice: User, stop: Any, code: str) -> None:
    task, trashed = alice.create_task(), alice.create_task()
    alice.trash(trashed["id"])
    alice.post("/tasks", json={"title": "x"}, headers={"Idempotency-Key": "used"})
    etag = alice.get("/tasks").headers["etag"]
    stop(alice)
    before = (rows_of(alice), Account.objects.values().get(pk=alice.subject))

    for method, path, kwargs in calls(task["id"], trashed["id"], etag):
        response = alice.request(method, path, **kwargs)
        assert response.status_code == 403, (method, path, kwargs, response.text)
        assert method == "HEAD" or response.json()["code"] == code
    assert (rows_of(alice), Account.objects.values().get(pk=alice.subject)) == before


@pytest.mark.parametrize("status", [Account.Status.SUSPENDED, Account.Status.ERASED])
@pytest.mark.parametrize(
    ("method", "path", "kwargs"),
    [
        ("GET", "/tasks", {}),
        ("GET", "/me", {}),
        ("GET", "/me/export", {}),
        ("GET", "/tasks/changes", {}),
        ("GET", f"/tasks/{UNKNOWN}", {}),
        ("POST", "/tasks", {"json": {"title": "x"}}),
        ("POST", "/tasks", {"json": {"title": "x"}, "headers": {"Idempotency-Key": "k"}}),
        ("POST", "/tasks/batch", {"json": {"operations": [{"op": "create", "task": {"title": "x"}}]}}),
        ("PATCH", f"/tasks/{UNKNOWN}", {"json": {"title": "x"}}),
        ("DELETE", f"/tasks/{UNKNOWN}", {}),
        ("POST", f"/tasks/{UNKNOWN}/restore", {}),
    ],
)
def test_the_refusal_is_in_the_round_trip_of_the_work(
    alice: User, statements: Trace, status: str, method: str, path: str, kwargs: Any
) -> None:
    alice.get("/me")
    Account.objects.filter(pk=alice.subject).update(status=status)
    statements.reset()

    assert alice.request(method, path, **kwargs).status_code == 403
    # A transaction that was opened is rolled back.
    assert len([line for line in statements.lines if "ErrorResponse" in line]) == 1
    assert statements.round_trips - sum("Query" in line and "ROLLBACK" in line for line in statements.lines) == 1


def test_a_valid_token_does_not_bring_the_account_back(new_user: NewUser) -> None:
    carol = new_user("carol", email="carol@example.com")
    carol.create_task()
    erase(carol)
    again = new_user(subject=carol.subject, email="carol@example.com", name="Carol")

    for _ in range(2):
        assert_code(again.post("/tasks", json={"title": "x"}), 403, "account_erased")
    account = Account.objects.get(pk=carol.subject)
    assert (account.status, account.email, account.name) == ("erased", None, None)


@pytest.mark.parametrize("stop", [erase, suspend])
def test_an_operator_reinstates(alice: User, stop: Any) -> None:
    task = alice.create_task()
    stop(alice)
    call_command("account_reinstate", alice.subject)

    assert alice.tasks() == ([] if stop is erase else [task])
    assert alice.create_task("again")["revision"] > task["revision"]


def test_other_people_are_not_suspended(alice: User, bob: User) -> None:
    alice.get("/me")
    suspend(alice)

    assert bob.create_task()["title"] == "Buy oat milk"
