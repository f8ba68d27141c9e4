"""GET /tasks/changes"""

from typing import Any

import pytest
from django.db import connection

from tests.support.clients import Client, NewUser, User
from tests.support.wire import Trace

from .refusals import assert_code, assert_refuses_strangers, bad_locations
from .replica import Replica, live_tasks


def changes(user: User, since: str | None = None, **query: Any) -> dict[str, Any]:
    response = user.get("/tasks/changes", params=query | ({} if since is None else {"since": since}))
    assert response.status_code == 200, response.text
    page: dict[str, Any] = response.json()
    return page


def test_a_stranger_is_refused(anonymous: Client) -> None:
    assert_refuses_strangers(anonymous, "GET", "/tasks/changes")


def test_foreign_changes_are_not_delivered(alice: User, bob: User) -> None:
    token = changes(alice)["next"]
    bob.create_task("bob's")

    assert changes(alice)["items"] == []
    assert changes(alice, token)["items"] == []


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("limit=0", ["limit"]),
        ("limit=501", ["limit"]),
        ("limit=-1", ["limit"]),
        ("limit=%2B1", ["limit"]),
        ("limit=1.0", ["limit"]),
        ("limit=", ["limit"]),
        ("limit=1&limit=1", ["limit"]),
        ("after=x", ["after"]),
        ("cursor=x&limit=x", ["cursor", "limit"]),
    ],
)
def test_every_bad_parameter_is_named(alice: User, query: str, names: list[str]) -> None:
    assert bad_locations(alice.get(f"/tasks/changes?{query}")) == [["query", name] for name in names]


def test_limits_are_1_to_500(alice: User) -> None:
    alice.create_task("one")
    alice.create_task("two")

    assert [len(changes(alice, limit=limit)["items"]) for limit in (1, 2, 500)] == [1, 2, 2]


@pytest.mark.parametrize("token", ["", "x", "AAAA", "Zm9v", "A" * 5000, "%F0%9F%90%98", "%00", "null", "0"])
def test_what_is_no_token_is_refused(alice: User, token: str) -> None:
    response = alice.get(f"/tasks/changes?since={token}")

    assert_code(response, 422, "validation_error" if token == "%00" else "invalid_cursor")
    assert response.json()["errors"][0]["loc"] == ["query", "since"]


def test_a_changed_token_is_refused(alice: User) -> None:
    token = changes(alice)["next"]

    for at in range(len(token)):
        changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
        assert_code(alice.get("/tasks/changes", params={"since": changed}), 422, "invalid_cursor")
    for other in (token + "=", token + "A", token[:-1], f" {token}", token.swapcase()):
        assert_code(alice.get("/tasks/changes", params={"since": other}), 422, "invalid_cursor")


def test_a_foreign_token_is_refused(alice: User, bob: User) -> None:
    token = changes(bob)["next"]

    assert_code(alice.get("/tasks/changes", params={"since": token}), 422, "invalid_cursor")


def test_tokens_and_cursors_are_not_interchangeable(alice: User) -> None:
    for title in ("one", "two"):
        alice.create_task(title)
    cursor = alice.get("/tasks", params={"limit": 1}).json()["next_cursor"]
    token = changes(alice, limit=1)["next"]

    assert_code(alice.get("/tasks/changes", params={"since": cursor}), 422, "invalid_cursor")
    assert_code(alice.get("/tasks", params={"limit": 1, "cursor": token}), 422, "invalid_cursor")


def test_without_a_token_everything_live_is_delivered_oldest_change_first(alice: User) -> None:
    first, second, third = (alice.create_task(title) for title in ("first", "second", "third"))
    alice.trash(second["id"])
    changed = alice.patch(f"/tasks/{first['id']}", json={"title": "changed"}).json()

    page = changes(alice)

    assert page["items"] == [third, changed]
    assert page["has_more"] is False


def test_nothing_new_is_an_empty_page_whose_token_goes_on(alice: User) -> None:
    token = changes(alice)["next"]
    again = changes(alice, token)
    task = alice.create_task()

    assert (again["items"], again["has_more"]) == ([], False)
    assert changes(alice, again["next"])["items"] == [task]


def test_a_change_is_delivered_once_with_its_newest_state(alice: User) -> None:
    task = alice.create_task("one")
    token = changes(alice)["next"]
    for title in ("two", "three"):
        newest = alice.patch(f"/tasks/{task['id']}", json={"title": title}).json()

    page = changes(alice, token)

    assert page["items"] == [newest]
    assert changes(alice, page["next"])["items"] == []


def test_a_token_can_be_used_again(alice: User) -> None:
    token = changes(alice)["next"]
    task = alice.create_task()

    assert changes(alice, token)["items"] == changes(alice, token)["items"] == [task]


@pytest.mark.parametrize("limit", [1, 2, 3, 500])
def test_a_trashed_task_is_delivered_with_its_time(alice: User, limit: int) -> None:
    kept, gone = alice.create_task("kept"), alice.create_task("gone")
    token = changes(alice)["next"]
    alice.trash(gone["id"])

    (item,) = changes(alice, token, limit=limit)["items"]

    assert item["id"] == gone["id"]
    assert item["deleted_at"] is not None
    assert item["revision"] > kept["revision"]


def test_a_restored_task_is_delivered_again(alice: User) -> None:
    task = alice.create_task()
    alice.trash(task["id"])
    token = changes(alice)["next"]
    restored = alice.post(f"/tasks/{task['id']}/restore").json()

    assert changes(alice, token)["items"] == [restored]


def test_writes_that_change_no_value_are_not_delivered(alice: User) -> None:
    task = alice.create_task("same")
    token = changes(alice)["next"]
    alice.patch(f"/tasks/{task['id']}", json={"title": "same"})
    alice.patch(f"/tasks/{task['id']}/complete", json={"completed": False})
    alice.patch(f"/tasks/{task['id']}", json={})

    assert changes(alice, token)["items"] == []


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_pages_follow_each_other_and_the_last_one_says_so(alice: User, limit: int) -> None:
    made = [alice.create_task(str(number)) for number in range(6)]

    token, seen, more = None, [], True
    while more:
        page = changes(alice, token, limit=limit)
        assert len(page["items"]) == limit or not page["has_more"]
        assert page["items"]
        token, more = page["next"], page["has_more"]
        seen += page["items"]

    assert seen == made


def test_what_is_written_during_a_first_walk_is_delivered(alice: User) -> None:
    made = [alice.create_task(str(number)) for number in range(4)]
    replica = Replica(alice, limit=1)
    replica.pull()
    alice.trash(made[0]["id"])  # delivered already
    alice.trash(made[3]["id"])  # not delivered yet
    alice.patch(f"/tasks/{made[1]['id']}", json={"title": "changed"})
    alice.create_task("new")

    assert replica.catch_up() == live_tasks(alice)
    assert replica.restarts == 0


def test_edits_that_do_not_pass_through_the_api_are_delivered(alice: User, database: None) -> None:
    from tasks.models import Task

    saved, updated, bulk, trashed = (alice.create_task(title) for title in ("saved", "updated", "bulk", "trashed"))
    token = changes(alice)["next"]
    task = Task.unscoped.get(pk=saved["id"])
    task.title = "by the admin"
    task.save()
    Task.unscoped.filter(pk=updated["id"]).update(title="by a command")
    task = Task.unscoped.get(pk=bulk["id"])
    task.title = "in bulk"
    Task.unscoped.bulk_update([task], ["title"])
    with connection.cursor() as cursor:
        cursor.execute("UPDATE tasks_task SET deleted_at = now() WHERE id = %s", [trashed["id"]])
        cursor.execute(
            "INSERT INTO tasks_task (id, user_id, title, completed, revision, title_key)"
            " VALUES (gen_random_uuid(), %s, 'by SQL', false, 0, '')",
            [alice.subject],
        )

    items = changes(alice, token)["items"]

    assert [item["title"] for item in items] == ["by the admin", "by a command", "in bulk", "trashed", "by SQL"]
    assert len({item["revision"] for item in items}) == 5


def test_a_raw_write_cannot_choose_its_revision_or_its_id(alice: User, database: None) -> None:
    task, replica = alice.create_task("one"), Replica(alice)
    replica.catch_up()

    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE tasks_task SET revision = 1, id = gen_random_uuid(), title = 'two' WHERE id = %s", [task["id"]]
        )

    assert replica.catch_up() == live_tasks(alice)
    assert alice.get_task(task["id"])["revision"] > task["revision"]


def test_one_round_trip_answers_a_page(alice: User, statements: Trace) -> None:
    token = changes(alice)["next"]
    statements.reset()
    changes(alice, token)

    assert statements.round_trips == 1


@pytest.mark.parametrize("kind", ["first", "later"])
def test_a_head_call_has_the_headers_alone(new_user: NewUser, kind: str) -> None:
    carol = new_user("carol")
    query = {} if kind == "first" else {"since": changes(carol)["next"]}

    response = carol.head("/tasks/changes", params=query)

    assert (response.status_code, response.content) == (200, b"")
