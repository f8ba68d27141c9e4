"""If-Match and If-None-Match beyond the single calls (RFC 9110, section 13), and REQUIRE_IF_MATCH (RFC 6585)."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pytest_django import Settings

from tests.support.clients import User
from tests.support.wire import Trace

from .refusals import UNKNOWN, assert_code

GUARDED: list[tuple[str, str, dict[str, Any] | None]] = [
    ("PUT", "", {"title": "new"}),
    ("PATCH", "", {"title": "new"}),
    ("PATCH", "", {}),
    ("PATCH", "/complete", {}),
    ("DELETE", "", None),
]


def call(user: User, method: str, path: str, body: Any = None, **headers: str) -> Any:
    return user.request(method, path, headers=headers, **({} if body is None else {"json": body}))


def trashed(user: User) -> tuple[str, int]:
    """Id and revision of a task in the trash."""
    task = user.create_task()
    user.trash(task["id"])
    revision = next(item["revision"] for item in user.tasks(trashed="true") if item["id"] == task["id"])
    return task["id"], revision


@pytest.mark.parametrize(("method", "suffix"), [("POST", "/restore"), ("DELETE", "?permanent=true")])
@pytest.mark.parametrize("tag", ['"{before}"', 'W/"{now}"', "{now}", '"{now}', '"0{now}"', '"x"', "", '"*"'])
def test_an_unmet_condition_leaves_the_trash_as_it_is(alice: User, method: str, suffix: str, tag: str) -> None:
    task_id, revision = trashed(alice)
    before = alice.tasks(trashed="true")

    condition = {"If-Match": tag.format(before=revision - 1, now=revision)}
    response = call(alice, method, f"/tasks/{task_id}{suffix}", **condition)

    assert_code(response, 412, "precondition_failed")
    assert alice.tasks(trashed="true") == before


@pytest.mark.parametrize(
    ("method", "suffix", "status"), [("POST", "/restore", 200), ("DELETE", "?permanent=true", 204)]
)
@pytest.mark.parametrize("tag", ['"{now}"', "*", '"1", W/"2",  "{now}"'])
def test_a_met_condition_lets_the_trash_change(alice: User, method: str, suffix: str, status: int, tag: str) -> None:
    task_id, revision = trashed(alice)

    response = call(alice, method, f"/tasks/{task_id}{suffix}", **{"If-Match": tag.format(now=revision)})

    assert response.status_code == status
    assert alice.tasks(trashed="true") == []


@pytest.mark.parametrize(("method", "suffix", "body"), GUARDED)
@pytest.mark.parametrize("task_id", [UNKNOWN, "malformed"])
def test_a_missing_task_wins_over_any_condition(
    alice: User, method: str, suffix: str, body: dict[str, Any] | None, task_id: str
) -> None:
    for tag in ("*", '"1"', "garbage"):
        assert_code(call(alice, method, f"/tasks/{task_id}{suffix}", body, **{"If-Match": tag}), 404, "not_found")


@pytest.mark.parametrize(("method", "suffix"), [("POST", "/restore"), ("DELETE", "?permanent=true")])
def test_a_conflict_wins_over_a_failed_condition(alice: User, method: str, suffix: str) -> None:
    task = alice.create_task()

    for tag in ("*", f'"{task["revision"]}"', '"0"', "garbage"):
        response = call(alice, method, f"/tasks/{task['id']}{suffix}", **{"If-Match": tag})
        assert_code(response, 409, "not_in_trash")
    assert alice.get_task(task["id"]) == task


@pytest.mark.parametrize("body", [{"title": ""}, {"title": "x", "user_id": "y"}, {"completed": None}])
def test_a_bad_body_wins_over_a_failed_condition(alice: User, body: dict[str, Any]) -> None:
    task = alice.create_task()

    assert_code(call(alice, "PATCH", f"/tasks/{task['id']}", body, **{"If-Match": '"0"'}), 422, "validation_error")


def test_a_stale_condition_fails_also_when_the_values_are_the_stored_ones(alice: User) -> None:
    task = alice.create_task("same")

    response = call(alice, "PATCH", f"/tasks/{task['id']}", {"title": "same"}, **{"If-Match": '"0"'})

    assert_code(response, 412, "precondition_failed")


@pytest.mark.parametrize(("method", "suffix", "body"), GUARDED)
def test_a_condition_costs_no_round_trip(
    alice: User, statements: Trace, method: str, suffix: str, body: dict[str, Any] | None
) -> None:
    for condition in ({}, {"If-Match": "*"}, {"If-Match": '"{}"'}):
        task = alice.create_task()
        headers = {name: tag.format(task["revision"]) for name, tag in condition.items()}
        statements.reset()
        response = call(alice, method, f"/tasks/{task['id']}{suffix}", body, **headers)
        assert response.status_code in (200, 204)
        assert statements.round_trips == 1


@pytest.mark.parametrize(("method", "suffix", "body"), [*GUARDED, ("POST", "/restore", None)])
def test_a_change_without_a_condition_is_refused_where_one_is_required(
    alice: User, settings: Settings, method: str, suffix: str, body: dict[str, Any] | None
) -> None:
    task = alice.create_task()
    settings.REQUIRE_IF_MATCH = True

    assert_code(call(alice, method, f"/tasks/{task['id']}{suffix}", body), 428, "precondition_required")
    assert alice.get_task(task["id"]) == task


@pytest.mark.parametrize(("method", "suffix", "body"), GUARDED)
def test_a_change_with_a_condition_passes_where_one_is_required(
    alice: User, settings: Settings, method: str, suffix: str, body: dict[str, Any] | None
) -> None:
    settings.REQUIRE_IF_MATCH = True
    task = alice.create_task()

    stale = call(alice, method, f"/tasks/{task['id']}{suffix}", body, **{"If-Match": '"0"'})
    met = call(alice, method, f"/tasks/{task['id']}{suffix}", body, **{"If-Match": f'"{task["revision"]}"'})

    assert_code(stale, 412, "precondition_failed")
    assert met.status_code in (200, 204)


def test_creation_and_reading_need_no_condition(alice: User, settings: Settings) -> None:
    settings.REQUIRE_IF_MATCH = True
    task = alice.create_task()
    batch = {"operations": [{"op": "update", "id": task["id"], "task": {"title": "new"}}]}

    assert alice.get(f"/tasks/{task['id']}").status_code == 200
    assert alice.get("/tasks").status_code == 200
    assert alice.post("/tasks/batch", json=batch).status_code == 200


@pytest.mark.parametrize("path", ["/tasks", "/tasks/{id}"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("tag", ["{0}", "W/{0}", "*", '"x", {0}', 'W/"x" , W/{0}, "y"'])
def test_what_the_client_has_is_not_sent_again(alice: User, path: str, method: str, tag: str) -> None:
    path = path.format(id=alice.create_task()["id"])
    etag = alice.get(path).headers["etag"]

    response = call(alice, method, path, **{"If-None-Match": tag.format(etag)})

    assert (response.status_code, response.content) == (304, b"")
    assert response.headers["etag"] == etag


@pytest.mark.parametrize("path", ["/tasks", "/tasks/{id}"])
@pytest.mark.parametrize(
    "tag", ["", '""', '"x"', "{bare}", '"{bare}', "'{bare}'", 'W"{bare}"', '"W/{bare}"', ",", '"*"']
)
def test_any_other_condition_gets_the_whole_answer(alice: User, path: str, tag: str) -> None:
    path = path.format(id=alice.create_task()["id"])
    answer = alice.get(path)

    response = call(alice, "GET", path, **{"If-None-Match": tag.format(bare=answer.headers["etag"].strip('"'))})

    assert (response.status_code, response.json()) == (200, answer.json())


def test_an_unchanged_list_costs_a_look_at_the_account_and_none_at_tasks(alice: User, statements: Trace) -> None:
    for _ in range(3):
        alice.create_task()
    etag = alice.get("/tasks").headers["etag"]
    statements.reset()

    assert call(alice, "GET", "/tasks", **{"If-None-Match": etag}).status_code == 304
    assert statements.round_trips == 1
    assert not any("tasks_task" in line for line in statements.lines)


def test_the_version_of_a_list_never_recurs(alice: User) -> None:
    """Not when the same tasks are listed again, either."""

    def version() -> str:
        return str(alice.get("/tasks").headers["etag"])

    seen = [version()]
    for _ in range(3):
        task = alice.create_task("same")
        seen.append(version())
        alice.trash(task["id"])
        seen.append(version())
        assert alice.delete(f"/tasks/{task['id']}", params={"permanent": "true"}).status_code == 204
        seen.append(version())

    assert len(set(seen)) == len(seen)


def test_no_update_is_lost_between_fifty_clients_that_read_modify_and_write(alice: User) -> None:
    """Each appends its own line, and reads again whenever somebody else was faster."""
    task_id = alice.create_task(description="")["id"]

    def append(client: int) -> int:
        for attempt in range(1000):
            task = alice.get_task(task_id)
            body = {"description": task["description"] + f"{client}\n"}
            response = call(alice, "PATCH", f"/tasks/{task_id}", body, **{"If-Match": f'"{task["revision"]}"'})
            if response.status_code == 200:
                return attempt
            assert_code(response, 412, "precondition_failed")
        raise AssertionError("never got a turn")

    with ThreadPoolExecutor(50) as clients:
        attempts = list(clients.map(append, range(50)))

    lines = alice.get_task(task_id)["description"].split()
    assert sorted(map(int, lines)) == list(range(50))
    assert any(attempts)  # somebody was overtaken, or nothing has been tried here


def test_of_many_writers_with_one_revision_one_wins(alice: User) -> None:
    task = alice.create_task()

    def write(client: int) -> int:
        headers = {"If-Match": f'"{task["revision"]}"'}
        return int(call(alice, "PATCH", f"/tasks/{task['id']}", {"title": str(client)}, **headers).status_code)

    with ThreadPoolExecutor(20) as clients:
        answers = list(clients.map(write, range(20)))

    assert sorted(answers) == [200] + [412] * 19
    assert alice.get_task(task["id"])["title"] == str(answers.index(200))
