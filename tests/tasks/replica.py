"""A client that keeps a copy of its user's tasks by GET /tasks/changes, as the contract tells clients to."""

from typing import Any

import httpx

from tests.support.clients import User

Tasks = dict[str, dict[str, Any]]


class Replica:
    def __init__(self, user: User, limit: int = 100) -> None:
        self.user = user
        self.limit = limit
        self.tasks: Tasks = {}
        self.token: str | None = None
        self.restarts = 0

    def ask(self) -> httpx.Response:
        query: dict[str, Any] = {"limit": self.limit} | ({} if self.token is None else {"since": self.token})
        return self.user.get("/tasks/changes", params=query)

    def pull(self) -> bool:
        """Apply one page, or start over when the token has expired. Whether more is waiting."""
        response = self.ask()
        if response.status_code == 410:
            assert response.json()["code"] == "sync_token_expired"
            self.tasks, self.token = {}, None
            self.restarts += 1
            assert self.restarts < 1000, "starting over does not help"
            return True
        assert response.status_code == 200, response.text
        page = response.json()
        for task in page["items"]:
            if task["deleted_at"] is None:
                self.tasks[task["id"]] = task
            else:
                self.tasks.pop(task["id"], None)
        self.token = page["next"]
        return bool(page["has_more"])

    def catch_up(self) -> Tasks:
        while self.pull():
            pass
        return self.tasks


def live_tasks(user: User) -> Tasks:
    """Every live task, by walking the list."""
    found: Tasks = {}
    query: dict[str, Any] = {"limit": 200}
    while True:
        page = user.get("/tasks", params=query).json()
        found |= {task["id"]: task for task in page["items"]}
        if page["next_cursor"] is None:
            return found
        query["cursor"] = page["next_cursor"]
