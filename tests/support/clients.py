"""HTTP clients of the live server: one person each, every response held against the contract."""

import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import jwt

from . import contract

BETTER_AUTH_SECRET = "a-secret-that-only-the-tests-share-0123456789"


def mint(subject: str, **claims: Any) -> str:
    """A token as Better Auth signs it with the shared secret, valid for a quarter of an hour."""
    now = int(time.time())
    return jwt.encode({"sub": subject, "iat": now, "exp": now + 900, **claims}, BETTER_AUTH_SECRET, algorithm="HS256")


class Client(httpx.Client):
    """Somebody without a token; paths are relative to ``/api``."""

    def __init__(self, url: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(base_url=f"{url}/api", headers=headers, timeout=20)

    def send(self, request: httpx.Request, **kwargs: Any) -> httpx.Response:
        response = super().send(request, **kwargs)
        if response.is_stream_consumed or response.is_closed:
            contract.check(response)
        return response


class User(Client):
    """A signed-in person, fresh in every test."""

    def __init__(self, url: str, subject: str, **claims: Any) -> None:
        self.subject = subject
        self.token = mint(subject, **claims)
        super().__init__(url, {"Authorization": f"Bearer {self.token}"})

    def create_task(self, title: str = "Buy oat milk", **values: Any) -> dict[str, Any]:
        """A new task, as the API answers it."""
        response = self.post("/tasks", json={"title": title, **values})
        assert response.status_code == 201, response.text
        task: dict[str, Any] = response.json()
        return task

    def get_task(self, task_id: str) -> dict[str, Any]:
        response = self.get(f"/tasks/{task_id}")
        assert response.status_code == 200, response.text
        task: dict[str, Any] = response.json()
        return task

    def tasks(self, **query: Any) -> list[dict[str, Any]]:
        """The items of one page."""
        response = self.get("/tasks", params=query)
        assert response.status_code == 200, response.text
        items: list[dict[str, Any]] = response.json()["items"]
        return items

    def titles(self, **query: Any) -> list[str]:
        return [task["title"] for task in self.tasks(**query)]

    def trash(self, task_id: str) -> None:
        assert self.delete(f"/tasks/{task_id}").status_code == 204


def fresh_subject(prefix: str) -> str:
    return f"{prefix}-{uuid4().hex}"


NewUser = Callable[..., User]
