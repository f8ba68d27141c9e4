"""The whole API of one user, called in any order, against a model of it."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from authn.models import Account
from tests.support.clients import NewUser, User

from .model import Model, Refusal, Values, agrees
from .refusals import UNKNOWN
from .replica import Replica

WORDS = ("milk", "Bread", "eggs", "tea")
titles = st.lists(st.sampled_from(WORDS), min_size=1, max_size=2).map(" ".join)
descriptions = st.none() | st.sampled_from(("", " kept as it is ", "milk, again", "🐘\n"))
new_tasks = st.fixed_dictionaries({"title": titles}, optional={"description": descriptions, "completed": st.booleans()})
updates = st.fixed_dictionaries({}, optional={"title": titles, "description": descriptions, "completed": st.booleans()})
picks = st.integers(0, 20)
conditions = st.sampled_from(("none", "any", "current", "stale"))
operations = st.one_of(
    st.fixed_dictionaries({"op": st.just("create"), "task": new_tasks}),
    st.fixed_dictionaries({"op": st.just("update"), "id": picks, "task": updates, "if_revision": conditions}),
    st.fixed_dictionaries({"op": st.just("complete"), "id": picks}, optional={"completed": st.booleans()}),
    st.fixed_dictionaries({"op": st.sampled_from(("delete", "restore")), "id": picks}),
)


class OneUser(RuleBasedStateMachine):
    def __init__(self, alice: User) -> None:
        super().__init__()
        self.user = alice
        self.model = Model()
        self.replicas = [Replica(alice, limit) for limit in (1, 100)]
        self.keyed: list[tuple[str, Any, dict[str, str], httpx.Response]] = []
        self.versions: dict[str, int] = {}

    # What is drawn is turned into what exists.

    def id_of(self, pick: int) -> str:
        known = [*self.model.tasks, UNKNOWN]
        return known[pick % len(known)]

    def revision_for(self, task_id: str, condition: str) -> int | None:
        current: int = self.model.tasks.get(task_id, {"revision": 1})["revision"]
        return {"none": None, "any": None, "current": current, "stale": current - 1}[condition]

    def headers(self, task_id: str, condition: str) -> dict[str, str]:
        revision = self.revision_for(task_id, condition)
        if revision is not None:
            return {"If-Match": f'"{revision}"'}
        return {"If-Match": "*"} if condition == "any" else {}

    def expect(self, response: httpx.Response, act: Callable[[], Any]) -> Any:
        """The model's result, if it accepts the call as the API has; None when both refuse it in the same way."""
        try:
            result = act()
        except Refusal as refused:
            refusal = refused
        else:
            assert response.status_code in (200, 201, 204), response.text
            return result
        problem = response.json()
        assert (response.status_code, problem.get("code")) == (refusal.status, refusal.code)
        assert problem.get("index") == refusal.index
        return None

    def expect_task(self, response: httpx.Response, act: Callable[[], Values]) -> None:
        task = self.expect(response, act)
        if task is not None:
            assert agrees(response.json(), task), (response.json(), task)
            assert response.headers["etag"] == f'"{task["revision"]}"'

    # Writes

    @rule(values=new_tasks, keyed=st.booleans())
    def create(self, values: Values, keyed: bool) -> None:
        headers = {"Idempotency-Key": uuid4().hex} if keyed else {}
        response = self.user.post("/tasks", json=values, headers=headers)
        self.expect_task(response, lambda: self.model.create(response.json()["id"], values))
        if keyed:
            self.keyed.append(("/tasks", values, headers, response))

    @rule(pick=picks, values=new_tasks, condition=conditions)
    def replace(self, pick: int, values: Values, condition: str) -> None:
        task_id = self.id_of(pick)
        response = self.user.put(f"/tasks/{task_id}", json=values, headers=self.headers(task_id, condition))
        whole = {"description": None, "completed": False} | values
        self.expect_task(response, lambda: self.model.change(task_id, whole, self.revision_for(task_id, condition)))

    @rule(pick=picks, values=updates, condition=conditions)
    def update(self, pick: int, values: Values, condition: str) -> None:
        task_id = self.id_of(pick)
        response = self.user.patch(f"/tasks/{task_id}", json=values, headers=self.headers(task_id, condition))
        self.expect_task(response, lambda: self.model.change(task_id, values, self.revision_for(task_id, condition)))

    @rule(pick=picks, completed=st.booleans(), condition=conditions)
    def complete(self, pick: int, completed: bool, condition: str) -> None:
        task_id, values = self.id_of(pick), {"completed": completed}
        headers = self.headers(task_id, condition)
        response = self.user.patch(f"/tasks/{task_id}/complete", json=values, headers=headers)
        self.expect_task(response, lambda: self.model.change(task_id, values, self.revision_for(task_id, condition)))

    @rule(pick=picks, condition=conditions)
    def trash(self, pick: int, condition: str) -> None:
        task_id = self.id_of(pick)
        response = self.user.delete(f"/tasks/{task_id}", headers=self.headers(task_id, condition))
        self.expect(response, lambda: self.model.trash(task_id, self.revision_for(task_id, condition)))

    @rule(pick=picks, condition=conditions)
    def restore(self, pick: int, condition: str) -> None:
        task_id = self.id_of(pick)
        response = self.user.post(f"/tasks/{task_id}/restore", headers=self.headers(task_id, condition))
        self.expect_task(response, lambda: self.model.restore(task_id, self.revision_for(task_id, condition)))

    @rule(pick=picks, condition=conditions)
    def purge(self, pick: int, condition: str) -> None:
        task_id = self.id_of(pick)
        response = self.user.delete(f"/tasks/{task_id}?permanent=true", headers=self.headers(task_id, condition))
        self.expect(response, lambda: self.model.purge(task_id, self.revision_for(task_id, condition)))

    @rule(drawn=st.lists(operations, min_size=1, max_size=5), keyed=st.booleans())
    def batch(self, drawn: list[Values], keyed: bool) -> None:
        batch = [operation | ({"id": self.id_of(operation["id"])} if "id" in operation else {}) for operation in drawn]
        for operation in batch:
            if "if_revision" in operation:
                operation["if_revision"] = self.revision_for(operation["id"], operation["if_revision"])
        body, headers = {"operations": batch}, {"Idempotency-Key": uuid4().hex} if keyed else {}
        response = self.user.post("/tasks/batch", json=body, headers=headers)
        expected = self.expect(response, lambda: self.model.batch(batch))
        if expected is None:
            return
        for answer, task in zip(response.json()["results"], expected, strict=True):
            assert agrees(answer, task | ({"id": answer["id"]} if task["id"].startswith("new ") else {})), (
                answer,
                task,
            )
            if task["id"].startswith("new "):
                self.model.rename(task["id"], answer["id"])
        if keyed:
            self.keyed.append(("/tasks/batch", body, headers, response))

    @precondition(lambda self: self.keyed)
    @rule(pick=picks)
    def retry(self, pick: int) -> None:
        path, body, headers, first = self.keyed[pick % len(self.keyed)]
        again = self.user.post(path, json=body, headers=headers)
        other = self.user.post(path, json={"title": "another"}, headers=headers)
        assert (again.status_code, again.content) == (first.status_code, first.content)
        assert again.headers.get("location") == first.headers.get("location")
        assert again.headers["idempotency-replayed"] == "true"
        assert other.status_code == 422

    @precondition(lambda self: len(self.model.tasks) > 5)
    @rule()
    def erase_and_reinstate(self) -> None:
        assert self.user.request("DELETE", "/me", json={"confirm": self.user.subject}).status_code == 204
        assert self.user.get("/tasks").status_code == 403
        Account.objects.filter(pk=self.user.subject).update(status=Account.Status.ACTIVE)
        self.model.erase()
        self.keyed = []

    # Reads

    @rule(pick=picks)
    def get(self, pick: int) -> None:
        task = self.model.tasks.get(self.id_of(pick))
        response = self.user.get(f"/tasks/{self.id_of(pick)}")
        if task is None or task["trashed"]:
            assert response.status_code == 404
        else:
            assert agrees(response.json(), task)
            condition = {"If-None-Match": f'W/"{task["revision"]}"'}
            assert self.user.get(f"/tasks/{task['id']}", headers=condition).status_code == 304

    @rule(
        trashed=st.booleans(),
        completed=st.none() | st.booleans(),
        word=st.sampled_from(("", "milk", "BREA", "e", "gg")),
        sort=st.sampled_from(("created_at", "-created_at", "updated_at", "-updated_at", "title", "-title")),
        limit=st.integers(1, 5),
    )
    def walk_the_list(self, trashed: bool, completed: bool | None, word: str, sort: str, limit: int) -> None:
        query: dict[str, Any] = {"trashed": str(trashed).lower(), "sort": sort, "limit": limit, "q": word}
        if completed is not None:
            query["completed"] = str(completed).lower()
        items: list[Values] = []
        while len(items) <= len(self.model.tasks):
            page = self.user.get("/tasks", params=query).json()
            items += page["items"]
            if page["next_cursor"] is None:
                break
            assert len(page["items"]) == limit
            query["cursor"] = page["next_cursor"]
        expected = {task["id"]: task for task in (self.model.trashed() if trashed else self.model.live())}
        expected = {
            task_id: task
            for task_id, task in expected.items()
            if completed in (None, task["completed"]) and self.matches(task, word)
        }
        assert [item["id"] for item in items] == [item["id"] for item in self.in_order(items, sort)]
        assert len(items) == len(expected)
        assert all(agrees(item, expected[item["id"]]) for item in items)

    def matches(self, task: Values, word: str) -> bool:
        words = f"{task['title']} {task['description'] or ''}".lower().replace(",", " ").split()
        return any(found.startswith(word.lower()) for found in words)

    def in_order(self, items: list[Values], sort: str) -> list[Values]:
        name = sort.lstrip("-")
        return sorted(items, key=lambda item: (item[name].lower(), item["id"]), reverse=sort.startswith("-"))

    @rule(pick=st.integers(0, 1))
    def pull(self, pick: int) -> None:
        self.replicas[pick].pull()

    @rule(pick=st.integers(0, 1))
    def catch_up(self, pick: int) -> None:
        tasks = self.replicas[pick].catch_up()
        assert tasks.keys() == {task["id"] for task in self.model.live()}
        assert all(agrees(tasks[task["id"]], task) for task in self.model.live())

    @rule()
    def me_and_export(self) -> None:
        counts = self.user.get("/me").json()["tasks"]
        done = sum(task["completed"] for task in self.model.live())
        trashed, live = len(self.model.trashed()), len(self.model.live())
        assert counts == {"open": live - done, "completed": done, "trashed": trashed}
        exported = self.user.get("/me/export").json()["tasks"]
        assert len(exported) == len(self.model.tasks)
        assert all(agrees(task, self.model.tasks[task["id"]]) for task in exported)

    @invariant()
    def a_version_of_the_list_stands_for_one_state(self) -> None:
        version = self.user.head("/tasks").headers["etag"]
        assert self.versions.setdefault(version, self.model.revision) == self.model.revision
        assert len(set(self.versions.values())) == len(self.versions)


def test_the_api_is_its_model(new_user: NewUser, database: None) -> None:
    run_state_machine_as_test(
        lambda: OneUser(new_user("alice")),  # type: ignore[arg-type]
        settings=settings(
            max_examples=20, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
