"""GET /tasks?cursor=…: walking all pages."""

from collections.abc import Iterator
from itertools import cycle
from typing import Any

import pytest

from tests.support.clients import NewUser, User

from .refusals import assert_code
from .test_list import SORTS


def walk(user: User, limits: Iterator[int], **query: Any) -> Iterator[list[dict[str, Any]]]:
    """Pages until nothing follows."""
    cursor: str | None = None
    while True:
        page = user.get("/tasks", params=query | {"limit": next(limits)} | ({"cursor": cursor} if cursor else {}))
        assert page.status_code == 200, page.text
        yield page.json()["items"]
        cursor = page.json()["next_cursor"]
        if cursor is None:
            return


def refused(user: User, cursor: str, **query: Any) -> None:
    response = user.get("/tasks", params={**query, "cursor": cursor})
    assert_code(response, 422, "invalid_cursor")
    assert response.json()["errors"][0]["loc"] == ["query", "cursor"]


WORDS = {"second": range(0, 100, 2), "seventh": range(0, 100, 7), "late": range(91, 100), "once": (5,)}


@pytest.mark.parametrize("sort", SORTS)
def test_a_search_finds_every_match_near_by_and_far_away(alice: User, sort: str) -> None:
    """With pages of one task, twenty are near by: some words fill their pages there, and some never do."""
    words = [[word for word, places in WORDS.items() if n in places] for n in range(100)]
    tasks = [{"title": f"{n * 37 % 100:02} {' '.join(words[n])}", "completed": n % 3 == 0} for n in range(100)]
    made = alice.post("/tasks/batch", json={"operations": [{"op": "create", "task": task} for task in tasks]})
    assert made.status_code == 200, made.text
    everything = alice.tasks(sort=sort, limit=200)

    for word in (*WORDS, "absent"):
        for query in ({}, {"completed": "true"}):
            walked = [task for page in walk(alice, cycle([1, 2]), sort=sort, q=word, **query) for task in page]
            assert walked == [t for t in everything if word in t["title"] and (t["completed"] or not query)]


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("limits", [[1], [7], [3, 1, 5], [200]])
def test_a_walk_is_the_whole_list_in_order(alice: User, sort: str, limits: list[int]) -> None:
    for number in range(8):
        alice.create_task(f"Task {number % 3}")

    walked = [task for page in walk(alice, cycle(limits), sort=sort) for task in page]

    assert walked == alice.tasks(sort=sort)
    assert len(walked) == 8


@pytest.mark.parametrize("sort", SORTS)
def test_a_walk_through_ties_misses_nothing(new_user: NewUser, database: None, sort: str) -> None:
    from tasks.models import Task

    alice = new_user("alice")
    alice.get("/me")
    Task.unscoped.bulk_create(Task(user_id=alice.subject, title="same") for _ in range(10))

    walked = [task["id"] for page in walk(alice, cycle([3]), sort=sort) for task in page]

    assert sorted(walked) == sorted(set(walked))
    assert len(walked) == 10


@pytest.mark.parametrize("title", ["", "'", '"', "\\", "%_", "🐘", "ß", "ſ", "İ", "\u200b", "x" * 190, "\x7f", "ǆ"])
def test_a_cursor_carries_any_title(alice: User, title: str) -> None:
    for number in range(4):
        alice.create_task(f"a{title}{number}")

    for sort in ("title", "-title"):
        walked = [task for page in walk(alice, cycle([1]), sort=sort) for task in page]
        assert walked == alice.tasks(sort=sort)


def test_a_cursor_is_there_exactly_when_something_follows(alice: User) -> None:
    assert alice.get("/tasks").json()["next_cursor"] is None
    for _ in range(4):
        alice.create_task()

    for limit, follows in ((3, True), (4, False), (5, False)):
        assert (alice.get("/tasks", params={"limit": limit}).json()["next_cursor"] is not None) is follows
    second = alice.get("/tasks", params={"limit": 2}).json()["next_cursor"]
    assert alice.get("/tasks", params={"limit": 2, "cursor": second}).json()["next_cursor"] is None


@pytest.mark.parametrize("sort", SORTS)
def test_untouched_tasks_are_seen_once_while_others_write(alice: User, sort: str) -> None:
    made = [alice.create_task(f"{number:02} task") for number in range(24)]
    touched, untouched = made[::3], [task["id"] for number, task in enumerate(made) if number % 3]
    changes = [
        step
        for task in touched
        for step in (
            lambda task=task: alice.patch(f"/tasks/{task['id']}", json={"title": "zz"}),
            lambda: alice.create_task("00 new"),
            lambda task=task: alice.trash(task["id"]),
        )
    ]
    writes = iter(changes)

    walked = []
    for page in walk(alice, cycle([2]), sort=sort):
        walked += [task["id"] for task in page]
        next(writes, lambda: None)()

    assert sorted(task_id for task_id in walked if task_id in untouched) == sorted(untouched)


def test_a_cursor_outlives_the_task_it_stands_on(alice: User) -> None:
    made = [alice.create_task(title) for title in "abcd"]
    page = alice.get("/tasks", params={"sort": "title", "limit": 2}).json()
    alice.trash(made[1]["id"])

    rest = alice.get("/tasks", params={"sort": "title", "limit": 2, "cursor": page["next_cursor"]}).json()["items"]

    assert [task["title"] for task in rest] == ["c", "d"]


def test_a_cursor_is_bound_to_user_filters_and_sort(alice: User, bob: User) -> None:
    for user in (alice, bob):
        for number in range(4):
            user.create_task("milk", completed=number < 2)
    cursor = alice.get("/tasks", params={"limit": 1}).json()["next_cursor"]

    refused(bob, cursor)
    for query in ({"completed": "false"}, {"completed": "true"}, {"q": "milk"}, {"trashed": "true"}, {"sort": "title"}):
        refused(alice, cursor, **query)
        other = alice.get("/tasks", params={**query, "limit": 1}).json()["next_cursor"]
        if other is not None:
            refused(alice, other)
            refused(bob, other, **query)


def test_a_default_spelled_out_is_the_same_query(alice: User) -> None:
    for _ in range(3):
        alice.create_task("milk")
    plain = alice.get("/tasks", params={"limit": 1}).json()["next_cursor"]

    for query in ({"sort": "-created_at"}, {"trashed": "false"}, {"q": ""}, {"q": " &|! "}):
        spelled = alice.get("/tasks", params={**query, "limit": 1}).json()["next_cursor"]
        assert alice.get("/tasks", params={**query, "cursor": plain}).status_code == 200
        assert alice.get("/tasks", params={"cursor": spelled}).status_code == 200


@pytest.mark.parametrize("cursor", ["", "x", "null", "AAAA", "=", "\u00e9", "🐘", " ", "a" * 5000, "..", "eyJ9"])
def test_a_made_up_cursor_is_refused(alice: User, cursor: str) -> None:
    refused(alice, cursor)


def test_a_cursor_changed_anywhere_is_refused(alice: User) -> None:
    for _ in range(3):
        alice.create_task()
    cursor = alice.get("/tasks", params={"limit": 1}).json()["next_cursor"]

    for at in range(len(cursor)):
        refused(alice, cursor[:at] + ("A" if cursor[at] != "A" else "B") + cursor[at + 1 :])
    for changed in (cursor[:-1], cursor + "A", cursor + "=", " " + cursor, cursor + "\n", cursor.swapcase()):
        refused(alice, changed)


def test_a_cursor_reveals_no_secret(alice: User) -> None:
    for _ in range(2):
        alice.create_task()

    cursor = alice.get("/tasks", params={"limit": 1}).json()["next_cursor"]

    assert alice.subject not in cursor
    assert len(cursor) < 1000
