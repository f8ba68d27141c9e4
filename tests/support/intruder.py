"""Somebody who tries every call of the API on somebody else's tasks."""

import json
from typing import Any

from .clients import User

WHOLE = {"title": "stolen", "description": "stolen", "completed": True}


class Victim:
    """Bob, with a live, a completed and a trashed task, and all he knows of them."""

    def __init__(self, bob: User) -> None:
        self.bob = bob
        self.live = bob.create_task("secret live", description="secret")
        self.done = bob.create_task("secret done", completed=True)
        self.trashed = bob.create_task("secret trashed")
        bob.trash(self.trashed["id"])
        keyed = bob.post("/tasks", json={"title": "secret keyed"}, headers={"Idempotency-Key": "shared-key"})
        assert keyed.status_code == 201
        bob.create_task("secret last")
        self.cursor = bob.get("/tasks", params={"limit": 1}).json()["next_cursor"]
        self.token = bob.get("/tasks/changes").json()["next"]
        self.before = self.everything()

    @property
    def ids(self) -> list[str]:
        return [self.live["id"], self.done["id"], self.trashed["id"]]

    def everything(self) -> Any:
        document = self.bob.get("/me/export").json()
        document["account"].pop("last_seen_at")
        return document


def assert_nothing_foreign(alice: User, bob: User) -> None:
    """Whatever ``alice`` asks with all that ``bob`` knows, she sees and changes nothing of his."""
    victim = Victim(bob)
    own = alice.create_task("her own")
    seen = [_by_id(alice, task_id) for task_id in victim.ids]
    seen += [_lists(alice, victim), _batches(alice, victim), _rest(alice)]
    for text in (item for part in seen for item in part):
        assert "secret" not in text, text
        assert bob.subject not in text, text
    assert victim.everything() == victim.before
    assert alice.get_task(own["id"]) == own
    assert own["id"] in [task["id"] for task in alice.tasks()]


def _by_id(alice: User, task_id: str) -> list[str]:
    path, texts = f"/tasks/{task_id}", []
    for method, suffix, body in (
        ("GET", "", None),
        ("PUT", "", WHOLE),
        ("PATCH", "", {"title": "stolen"}),
        ("PATCH", "", {}),
        ("PATCH", "/complete", {"completed": True}),
        ("PATCH", "/complete", {"completed": False}),
        ("DELETE", "", None),
        ("DELETE", "?permanent=true", None),
        ("POST", "/restore", None),
    ):
        for headers in ({}, {"If-Match": "*"}, {"If-Match": '"1"'}):
            response = alice.request(method, path + suffix, json=body, headers=headers)
            assert response.status_code == 404, response.text
            texts.append(response.text)
    return texts


def _lists(alice: User, victim: Victim) -> list[str]:
    queries: list[dict[str, Any]] = [{}, {"q": "secret"}, {"q": "s"}, {"trashed": "true"}, {"completed": "true"}]
    queries += [{"sort": sort, "limit": 200} for sort in ("title", "-title", "updated_at", "-updated_at", "created_at")]
    texts = [alice.get("/tasks", params=query).text for query in queries]
    for path, query in (("/tasks", {"cursor": victim.cursor}), ("/tasks/changes", {"since": victim.token})):
        response = alice.get(path, params=query)
        assert response.status_code == 422, response.text
    return [*texts, alice.get("/tasks/changes").text, alice.get("/tasks/changes?limit=1").text]


def _batches(alice: User, victim: Victim) -> list[str]:
    texts = []
    for task_id in victim.ids:
        for operation in (
            {"op": "update", "id": task_id, "task": {"title": "stolen"}},
            {"op": "update", "id": task_id, "task": {}, "if_revision": 1},
            {"op": "complete", "id": task_id},
            {"op": "delete", "id": task_id},
            {"op": "restore", "id": task_id},
        ):
            response = alice.post("/tasks/batch", json={"operations": [operation]})
            assert response.status_code == 404, response.text
            texts.append(response.text)
    return texts


def _rest(alice: User) -> list[str]:
    """The account, the export, and a retry with a key that another user has used."""
    keyed = alice.post("/tasks", json={"title": "secretly hers"}, headers={"Idempotency-Key": "shared-key"})
    assert keyed.status_code == 201
    assert "idempotency-replayed" not in keyed.headers
    alice.delete(f"/tasks/{keyed.json()['id']}")
    alice.delete(f"/tasks/{keyed.json()['id']}?permanent=true")
    export = alice.get("/me/export")
    return [alice.get("/me").text, export.text, json.dumps(export.json()), alice.get("/me").headers.get("etag", "")]
