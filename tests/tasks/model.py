"""The task API of one user as a dictionary: what the contract says, without a database."""

from copy import deepcopy
from typing import Any

Values = dict[str, Any]


class Refusal(Exception):
    def __init__(self, status: int, code: str) -> None:
        self.status = status
        self.code = code
        self.index: int | None = None
        super().__init__(code)


def missing() -> Refusal:
    return Refusal(404, "not_found")


class Model:
    def __init__(self) -> None:
        self.tasks: dict[str, Values] = {}
        self.revision = 0

    def _next(self) -> int:
        self.revision += 1
        return self.revision

    def create(self, task_id: str, values: Values) -> Values:
        defaults = {"description": None, "completed": False}
        task = defaults | values | {"id": task_id, "trashed": False, "revision": self._next()}
        self.tasks[task_id] = task
        return dict(task)

    def _found(self, task_id: str, *, trashed: bool, revision: int | None) -> Values:
        task = self.tasks.get(task_id)
        if task is None or (task["trashed"] and not trashed):
            raise missing()
        if task["trashed"] != trashed:
            raise Refusal(409, "not_in_trash")
        if revision is not None and task["revision"] != revision:
            raise Refusal(412, "precondition_failed")
        return task

    def change(self, task_id: str, values: Values, revision: int | None = None) -> Values:
        task = self._found(task_id, trashed=False, revision=revision)
        if task | values != task:
            task |= values | {"revision": self._next()}
        return dict(task)

    def trash(self, task_id: str, revision: int | None = None) -> Values:
        task = self._found(task_id, trashed=False, revision=revision)
        task |= {"trashed": True, "revision": self._next()}
        return dict(task)

    def restore(self, task_id: str, revision: int | None = None) -> Values:
        task = self._found(task_id, trashed=True, revision=revision)
        task |= {"trashed": False, "revision": self._next()}
        return dict(task)

    def purge(self, task_id: str, revision: int | None = None) -> None:
        self._found(task_id, trashed=True, revision=revision)
        del self.tasks[task_id]
        self._next()

    def erase(self) -> None:
        if self.tasks:
            self._next()
        self.tasks = {}

    def batch(self, operations: list[Values]) -> list[Values]:
        """The state after each operation; all of them or none. New tasks are called ``new 0``, ``new 1``, …"""
        before = deepcopy((self.tasks, self.revision))
        results: list[Values] = []
        for index, operation in enumerate(operations):
            try:
                results.append(self._operate(f"new {index}", operation))
            except Refusal as refusal:
                refusal.index = index
                self.tasks, self.revision = before
                raise
        return results

    def _operate(self, new: str, operation: Values) -> Values:
        match operation["op"]:
            case "create":
                return self.create(new, operation["task"])
            case "update":
                return self.change(operation["id"], operation["task"], operation.get("if_revision"))
            case "complete":
                return self.change(operation["id"], {"completed": operation.get("completed", True)})
            case "delete":
                return self.trash(operation["id"])
            case _:
                return self.restore(operation["id"])

    def rename(self, old: str, new: str) -> None:
        self.tasks[new] = self.tasks.pop(old) | {"id": new}

    def live(self) -> list[Values]:
        return [task for task in self.tasks.values() if not task["trashed"]]

    def trashed(self) -> list[Values]:
        return [task for task in self.tasks.values() if task["trashed"]]


def agrees(answer: Values, expected: Values) -> bool:
    """Whether a task as the API answers it is the one of the model."""
    names = ("id", "title", "description", "completed", "revision")
    return (
        all(answer[name] == expected[name] for name in names)
        and (answer["deleted_at"] is not None) == expected["trashed"]
        and (answer["completed_at"] is not None) == expected["completed"]
    )
