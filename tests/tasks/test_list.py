"""GET /tasks: filters, sorts, limits, versions. See also test_list_walk.py and test_list_search.py."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.clients import Client, NewUser, User
from tests.support.wire import Trace

from .refusals import assert_refuses_strangers, bad_locations

SORTS = ("-created_at", "created_at", "-updated_at", "updated_at", "title", "-title")


def test_a_stranger_is_refused(anonymous: Client) -> None:
    assert_refuses_strangers(anonymous, "GET", "/tasks")


@pytest.mark.parametrize("query", [{}, {"q": "secret"}, {"completed": "true"}, {"trashed": "true"}, {"sort": "title"}])
def test_foreign_tasks_are_not_listed(alice: User, bob: User, query: dict[str, str]) -> None:
    bob.create_task("secret")
    bob.create_task("secret", completed=True)
    bob.trash(bob.create_task("secret")["id"])

    assert alice.get("/tasks", params=query).json() == {"items": [], "next_cursor": None}
    assert len(bob.tasks(**query)) in (1, 2)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("limit=0", ["limit"]),
        ("limit=201", ["limit"]),
        ("limit=-1", ["limit"]),
        ("limit=%2B5", ["limit"]),
        ("limit=5.0", ["limit"]),
        ("limit=1e1", ["limit"]),
        ("limit=1_0", ["limit"]),
        ("limit=%D9%A5", ["limit"]),
        ("limit=0x5", ["limit"]),
        ("limit=%205", ["limit"]),
        ("limit=", ["limit"]),
        ("limit", ["limit"]),
        ("limit=null", ["limit"]),
        ("limit=" + "9" * 5000, ["limit"]),
        ("completed=True", ["completed"]),
        ("completed=1", ["completed"]),
        ("completed=", ["completed"]),
        ("completed=yes", ["completed"]),
        ("trashed=TRUE", ["trashed"]),
        ("trashed=0", ["trashed"]),
        ("sort=id", ["sort"]),
        ("sort=", ["sort"]),
        ("sort=created_at,title", ["sort"]),
        ("sort=+created_at", ["sort"]),
        ("sort=user_id", ["sort"]),
        ("sort=revision", ["sort"]),
        ("sort=Title", ["sort"]),
        ("q=%00", ["q"]),
        ("q=a&q=b", ["q"]),
        ("limit=5&limit=5", ["limit"]),
        ("sort=title&sort=title", ["sort"]),
        ("completed=true&completed=true", ["completed"]),
        ("trashed=true&trashed=false", ["trashed"]),
        ("cursor=a&cursor=b", ["cursor"]),
        ("offset=1", ["offset"]),
        ("user_id=x", ["user_id"]),
        ("Limit=5", ["Limit"]),
        ("limit=x&completed=x&trashed=x&sort=x&zzz=x", ["completed", "limit", "sort", "trashed", "zzz"]),
    ],
)
def test_every_bad_parameter_is_named(alice: User, query: str, names: list[str]) -> None:
    response = alice.get(f"/tasks?{query}")

    assert bad_locations(response) == [["query", name] for name in names]


def test_limits_are_1_to_200_and_50_by_default(new_user: NewUser, database: None) -> None:
    from tasks.models import Task

    alice = new_user("alice")
    alice.create_task("first")
    Task.unscoped.bulk_create(Task(user_id=alice.subject, title=str(number)) for number in range(201))

    assert len(alice.tasks()) == 50
    assert len(alice.tasks(limit=1)) == 1
    assert len(alice.tasks(limit=200)) == 200
    assert len(alice.tasks(limit="007")) == 7


@pytest.mark.parametrize("sort", SORTS)
def test_each_sort_orders_by_its_field(alice: User, sort: str) -> None:
    titles = ["banana", "Apple", "cherry", "apple pie", "Éclair", "ZEBRA", "éclair 2"]
    made = [alice.create_task(title) for title in titles]
    alice.patch(f"/tasks/{made[0]['id']}", json={"description": "x"})

    listed = alice.tasks(sort=sort)

    field = sort.lstrip("-")
    expected = sorted(alice.tasks(), key=lambda task: (task[field].lower(), task["id"]), reverse=sort.startswith("-"))
    assert [task["title"] for task in listed] == [task["title"] for task in expected]


@pytest.mark.parametrize("sort", SORTS)
def test_ties_break_by_id(new_user: NewUser, database: None, sort: str) -> None:
    from tasks.models import Task

    alice = new_user("alice")
    alice.get("/me")
    Task.unscoped.bulk_create(Task(user_id=alice.subject, title="same") for _ in range(30))

    ids = [task["id"] for task in alice.tasks(sort=sort)]

    assert ids == sorted(ids, reverse=sort.startswith("-"))


def test_the_newest_come_first_unless_sorted_otherwise(alice: User) -> None:
    made = [alice.create_task(title) for title in "abc"]

    assert alice.tasks() == made[::-1]
    assert alice.tasks(sort="-created_at") == made[::-1]


def test_tasks_are_filtered_by_completion(alice: User) -> None:
    done, open_ = alice.create_task("done", completed=True), alice.create_task("open")

    assert alice.tasks(completed="true") == [done]
    assert alice.tasks(completed="false") == [open_]
    assert alice.tasks() == [open_, done]


def test_the_trash_is_a_list_of_its_own(alice: User) -> None:
    live = alice.create_task("live")
    for title, completed in (("gone", False), ("gone and done", True)):
        alice.trash(alice.create_task(title, completed=completed)["id"])

    assert alice.tasks() == alice.tasks(trashed="false") == [live]
    assert alice.titles(trashed="true", sort="title") == ["gone", "gone and done"]
    assert alice.titles(trashed="true", completed="true") == ["gone and done"]
    assert alice.titles(trashed="true", q="gone", completed="false") == ["gone"]


def test_an_unchanged_list_is_not_sent_again_and_not_queried(alice: User, statements: Trace) -> None:
    alice.create_task("x")
    for query in ({}, {"limit": "3"}, {"q": "x", "sort": "title"}):
        tag = alice.get("/tasks", params=query).headers["etag"]
        for method in ("GET", "HEAD"):
            for condition in (tag, f"W/{tag}", "*", f'"x", {tag}'):
                statements.reset()
                response = alice.request(method, "/tasks", params=query, headers={"If-None-Match": condition})
                assert (response.status_code, response.content, response.headers["etag"]) == (304, b"", tag)
                assert statements.round_trips == 1
                assert not any("tasks_task" in line for line in statements.lines)


def test_the_version_of_a_list_changes_with_everything_of_the_users(alice: User) -> None:
    seen = [alice.get("/tasks").headers["etag"]]
    task = alice.create_task()
    path = f"/tasks/{task['id']}"
    changes: list[Callable[[], object]] = [
        lambda: alice.get("/me"),
        lambda: alice.patch(path, json={"title": "y"}),
        lambda: alice.patch(f"{path}/complete"),
        lambda: alice.delete(path),
    ]
    for change in changes:
        seen.append(alice.get("/tasks").headers["etag"])
        change()
    seen.append(alice.get("/tasks").headers["etag"])

    assert seen[1] == seen[2]
    assert len(set(seen)) == len(seen) - 1


def test_the_version_of_a_list_differs_between_users_and_queries(alice: User, bob: User) -> None:
    queries: list[dict[str, Any]] = [
        {}, {"limit": 49}, {"sort": "title"}, {"completed": "true"}, {"completed": "false"}, {"trashed": "true"},
        {"q": "x"}, {"q": "y"},
    ]  # fmt: skip
    tags = [user.get("/tasks", params=query).headers["etag"] for user in (alice, bob) for query in queries]

    assert len(set(tags)) == len(tags)
    assert alice.get("/tasks", params={"sort": "-created_at"}).headers["etag"] == tags[0]


def test_a_foreign_version_is_not_ones_own(alice: User, bob: User) -> None:
    tag = bob.get("/tasks").headers["etag"]

    assert alice.get("/tasks", headers={"If-None-Match": tag}).status_code == 200


@pytest.mark.parametrize("query", [{}, {"q": "milk"}, {"completed": "true", "sort": "-title"}, {"trashed": "true"}])
def test_one_round_trip_lists_tasks(alice: User, statements: Trace, query: dict[str, str]) -> None:
    for _ in range(3):
        alice.create_task("milk")
    statements.reset()

    alice.get("/tasks", params={**query, "limit": 1})

    assert statements.round_trips == 1


def test_one_round_trip_answers_the_next_page(alice: User, statements: Trace) -> None:
    for _ in range(3):
        alice.create_task("milk")
    cursor = alice.get("/tasks", params={"limit": 1}).json()["next_cursor"]
    statements.reset()

    alice.get("/tasks", params={"limit": 1, "cursor": cursor})

    assert statements.round_trips == 1
