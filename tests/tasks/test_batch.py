"""POST /tasks/batch"""

from typing import Any

import httpx
import pytest

from tests.support.clients import Client, User
from tests.support.wire import Trace

from .refusals import (
    BAD_COMPLETED,
    BAD_DESCRIPTIONS,
    BAD_TITLES,
    MALFORMED,
    UNKNOWN,
    assert_code,
    assert_refuses_bodies,
    assert_refuses_query,
    assert_refuses_strangers,
    bad_locations,
    send_json,
)
from .replica import live_tasks

Operation = dict[str, Any]


def create(title: str = "new", **values: Any) -> Operation:
    return {"op": "create", "task": {"title": title, **values}}


def on(op: str, task_id: Any, **members: Any) -> Operation:
    return {"op": op, "id": task_id, **members}


def send(user: User, *operations: Any) -> httpx.Response:
    return send_json(user, "POST", "/tasks/batch", {"operations": list(operations)})


def done(user: User, *operations: Any) -> list[dict[str, Any]]:
    response = send(user, *operations)
    assert response.status_code == 200, response.text
    results: list[dict[str, Any]] = response.json()["results"]
    return results


def assert_refused(response: httpx.Response, status: int, code: str, index: int) -> None:
    assert_code(response, status, code)
    assert response.json()["index"] == index


def test_a_stranger_is_refused(anonymous: Client) -> None:
    assert_refuses_strangers(anonymous, "POST", "/tasks/batch", json={"operations": [create()]})


def test_a_body_that_is_no_object_is_refused(alice: User) -> None:
    assert_refuses_bodies(alice, "POST", "/tasks/batch")


def test_query_parameters_are_refused(alice: User) -> None:
    assert_refuses_query(alice, "POST", "/tasks/batch", json={"operations": [create()]})


@pytest.mark.parametrize("op", ["update", "complete", "delete", "restore"])
def test_a_foreign_task_looks_missing(alice: User, bob: User, op: str) -> None:
    foreign = bob.create_task("bob's")
    members = {"task": {"title": "mine"}} if op == "update" else {}

    for task_id in (foreign["id"], UNKNOWN, *MALFORMED, ""):
        if "%" not in task_id:
            assert_refused(send(alice, create(), on(op, task_id, **members)), 404, "not_found", 1)
    assert bob.get_task(foreign["id"]) == foreign
    assert alice.tasks() == []


def test_each_result_is_the_state_after_its_own_operation(alice: User) -> None:
    task, other = alice.create_task("task"), alice.create_task("other", completed=True)

    results = done(
        alice,
        create("new", description="text", completed=True),
        on("update", task["id"], task={"title": "changed"}),
        on("complete", task["id"]),
        on("update", task["id"], task={"description": "more"}, if_revision=other["revision"] + 3),
        on("complete", other["id"], completed=False),
        on("delete", task["id"]),
        on("restore", task["id"]),
        on("update", task["id"], task={}),
    )

    assert [result["title"] for result in results] == ["new", *["changed"] * 3, "other", *["changed"] * 3]
    assert [result["completed"] for result in results] == [True, False, True, True, False, True, True, True]
    assert [result["description"] for result in results[1:4]] == [None, None, "more"]
    assert [result["deleted_at"] is None for result in results] == [True] * 5 + [False, True, True]
    revisions = [result["revision"] for result in results]
    assert revisions == [*range(other["revision"] + 1, other["revision"] + 8), revisions[-2]]
    assert alice.get_task(task["id"]) == results[-1]
    assert alice.get_task(results[0]["id"]) == results[0]
    assert alice.get_task(other["id"]) == results[4]


def test_creations_are_answered_and_stamped_in_order(alice: User) -> None:
    results = done(alice, *[create(f"{number}", completed=number % 2 == 0) for number in range(100)])

    assert [result["title"] for result in results] == [str(number) for number in range(100)]
    assert [result["revision"] for result in results] == list(range(1, 101))
    assert live_tasks(alice) == {result["id"]: result for result in results}
    assert [result["id"] for result in results] == sorted(result["id"] for result in results)


def test_operations_that_change_no_value_leave_the_revision(alice: User) -> None:
    task = alice.create_task("same")

    results = done(
        alice,
        on("update", task["id"], task={"title": " same "}),
        on("update", task["id"], task={}),
        on("update", task["id"], task={}, if_revision=task["revision"]),
        on("complete", task["id"], completed=False),
    )

    assert results == [task] * 4


@pytest.mark.parametrize("count", [1, 100])
def test_1_to_100_operations_are_done(alice: User, count: int) -> None:
    assert len(done(alice, *[create()] * count)) == count


@pytest.mark.parametrize("operations", [[], [create()] * 101, None, {}, "x", 1])
def test_any_other_number_of_operations_is_refused(alice: User, operations: Any) -> None:
    response = send_json(alice, "POST", "/tasks/batch", {"operations": operations})

    assert bad_locations(response) == [["body", "operations"]]
    assert alice.tasks() == []


@pytest.mark.parametrize(
    ("body", "names"),
    [({}, ["operations"]), ({"operations": [create()], "x": 1}, ["x"]), ({"ops": [create()]}, ["operations", "ops"])],
)
def test_the_batch_itself_is_read_strictly(alice: User, body: Any, names: list[str]) -> None:
    assert bad_locations(send_json(alice, "POST", "/tasks/batch", body)) == [["body", name] for name in names]


@pytest.mark.parametrize(
    ("operation", "paths"),
    [
        (None, [[]]),
        ("create", [[]]),
        ([], [[]]),
        ({}, [[]]),
        ({"op": "purge", "id": UNKNOWN}, [[]]),
        ({"op": "CREATE", "task": {"title": "x"}}, [[]]),
        ({"op": None}, [[]]),
        ({"op": 1}, [[]]),
        ({"op": ["create"]}, [[]]),
        ({"op": "create"}, [["task"]]),
        ({"op": "create", "task": None}, [["task"]]),
        ({"op": "create", "task": {}}, [["task", "title"]]),
        ({"op": "create", "task": {"title": "x", "id": UNKNOWN}}, [["task", "id"]]),
        ({"op": "create", "task": {"title": "x"}, "id": UNKNOWN}, [["id"]]),
        ({"op": "create", "task": {"title": 1, "description": 2, "completed": 3}},
         [["task", "completed"], ["task", "description"], ["task", "title"]]),
        ({"op": "update", "id": UNKNOWN}, [["task"]]),
        ({"op": "update", "task": {}}, [["id"]]),
        ({"op": "update", "id": UNKNOWN, "task": {"title": None}}, [["task", "title"]]),
        ({"op": "update", "id": UNKNOWN, "task": {"completed": None}}, [["task", "completed"]]),
        ({"op": "update", "id": UNKNOWN, "task": {"revision": 1}}, [["task", "revision"]]),
        ({"op": "update", "id": UNKNOWN, "task": {}, "if_revision": "1"}, [["if_revision"]]),
        ({"op": "update", "id": UNKNOWN, "task": {}, "if_revision": 1.5}, [["if_revision"]]),
        ({"op": "update", "id": UNKNOWN, "task": {}, "if_revision": True}, [["if_revision"]]),
        ({"op": "complete", "id": UNKNOWN, "completed": "true"}, [["completed"]]),
        ({"op": "complete", "id": UNKNOWN, "completed": None}, [["completed"]]),
        ({"op": "complete", "id": UNKNOWN, "task": {}}, [["task"]]),
        ({"op": "delete"}, [["id"]]),
        ({"op": "delete", "id": None}, [["id"]]),
        ({"op": "delete", "id": 1}, [["id"]]),
        ({"op": "delete", "id": [UNKNOWN]}, [["id"]]),
        ({"op": "delete", "id": UNKNOWN, "permanent": True}, [["permanent"]]),
        ({"op": "restore"}, [["id"]]),
        ({"op": "restore", "id": UNKNOWN, "if_revision": 1}, [["if_revision"]]),
    ],
)  # fmt: skip
def test_a_schema_error_inside_an_operation_has_its_index(alice: User, operation: Any, paths: list[list[str]]) -> None:
    response = send(alice, create(), create(), operation, create())

    assert_refused(response, 422, "validation_error", 2)
    assert bad_locations(response) == [["body", "operations", 2, *path] for path in paths]
    assert alice.tasks() == []


def test_every_bad_operation_is_named_and_the_first_gives_the_index(alice: User) -> None:
    response = send(alice, create(), {"op": "x"}, create(), {"op": "delete"})

    assert_refused(response, 422, "validation_error", 1)
    assert bad_locations(response) == [["body", "operations", 1], ["body", "operations", 3, "id"]]


@pytest.mark.parametrize("op", ["create", "update"])
def test_values_are_held_to_the_rules_of_the_single_calls(alice: User, op: str) -> None:
    for field, values in (("title", BAD_TITLES), ("description", BAD_DESCRIPTIONS), ("completed", BAD_COMPLETED)):
        for value in values:
            task = {"title": "x", field: value}
            operation = {"op": op, "task": task} | ({"id": UNKNOWN} if op == "update" else {})
            response = send(alice, operation)
            assert_refused(response, 422, "validation_error", 0)
            assert bad_locations(response) == [["body", "operations", 0, "task", field]], value


def test_what_is_missing_or_in_the_way_is_told_with_its_index(alice: User) -> None:
    live, gone = alice.create_task("live"), alice.create_task("gone")
    alice.trash(gone["id"])
    before = (live_tasks(alice), alice.tasks(trashed="true"))
    cases = [
        (on("update", gone["id"], task={"title": "x"}), 404, "not_found"),
        (on("update", gone["id"], task={}), 404, "not_found"),
        (on("update", gone["id"], task={"title": "x"}, if_revision=1), 404, "not_found"),
        (on("complete", gone["id"]), 404, "not_found"),
        (on("delete", gone["id"]), 404, "not_found"),
        (on("restore", UNKNOWN), 404, "not_found"),
        (on("restore", live["id"]), 409, "not_in_trash"),
        (on("update", live["id"], task={"title": "x"}, if_revision=live["revision"] + 1), 412, "precondition_failed"),
        (on("update", live["id"], task={}, if_revision=0), 412, "precondition_failed"),
        (on("update", live["id"], task={}, if_revision=10**30), 412, "precondition_failed"),
    ]

    for operation, status, code in cases:
        assert_refused(send(alice, create(), create(), operation, create()), status, code, 2)
        assert_refused(send(alice, operation), status, code, 0)
    assert (live_tasks(alice), alice.tasks(trashed="true")) == before


def test_the_problem_is_that_of_the_moment_whatever_comes_later_in_the_batch(alice: User) -> None:
    task = alice.create_task()
    stale = on("update", task["id"], task={"title": "x"}, if_revision=0)
    cases = [
        ([stale, on("delete", task["id"])], 412, "precondition_failed"),
        ([on("restore", task["id"]), on("delete", task["id"])], 409, "not_in_trash"),
        ([on("delete", task["id"]), stale, on("restore", task["id"])], 404, "not_found"),
        ([on("delete", task["id"]), on("restore", task["id"]), on("restore", task["id"]), on("delete", task["id"])],
         409, "not_in_trash"),
    ]  # fmt: skip

    for operations, status, code in cases:
        assert_code(send(alice, *operations), status, code)
    assert alice.get_task(task["id"]) == task


def test_a_batch_sees_what_it_has_done_itself(alice: User) -> None:
    task = alice.create_task()

    assert_refused(send(alice, on("delete", task["id"]), on("delete", task["id"])), 404, "not_found", 1)
    twice = send(alice, on("delete", task["id"]), on("restore", task["id"]), on("restore", task["id"]))
    assert_refused(twice, 409, "not_in_trash", 2)
    first = on("update", task["id"], task={"title": "x"}, if_revision=task["revision"])
    assert_refused(send(alice, first, first), 412, "precondition_failed", 1)
    assert alice.get_task(task["id"]) == task


def test_a_refused_batch_uses_up_no_revision(alice: User) -> None:
    task = alice.create_task()

    send(alice, create(), create(), on("delete", UNKNOWN))

    assert alice.create_task()["revision"] == task["revision"] + 1


def test_a_key_makes_a_batch_happen_once(alice: User) -> None:
    task = alice.create_task()
    body = {"operations": [create(), on("complete", task["id"]), on("delete", task["id"])]}

    answers = [alice.post("/tasks/batch", json=body, headers={"Idempotency-Key": "k"}) for _ in range(2)]

    assert answers[0].status_code == answers[1].status_code == 200
    assert answers[0].content == answers[1].content
    assert len(alice.tasks()) == 1


@pytest.mark.parametrize("count", [1, 100])
def test_a_batch_costs_two_round_trips_whatever_its_size(alice: User, statements: Trace, count: int) -> None:
    made = [task["id"] for task in done(alice, *[create()] * 50)]
    operations = [create(), *[on("complete", task_id) for task_id in made], *[on("delete", i) for i in made]][:count]
    statements.reset()
    done(alice, *operations)

    assert statements.round_trips == 2
