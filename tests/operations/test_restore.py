"""The backup of docs/deployment.md, restored into a fresh cluster and served from."""

import subprocess
from pathlib import Path

from todoproject import host
from todoproject.cluster import DATABASE, SUPERUSER

from .machines import Postgres, api, postgres


def run(program: str, *arguments: str) -> None:
    subprocess.run([str(host.binaries() / program), *arguments], check=True, capture_output=True)


def address(server: Postgres, name: str = DATABASE) -> str:
    return f"postgresql://{SUPERUSER}@/{name}?host={server.sockets}"


def test_a_dump_restored_into_a_fresh_cluster_serves_the_same_answers(tmp_path: Path) -> None:
    dump = tmp_path / "todo.dump"
    with postgres() as original:
        with api(original.url) as server:
            alice = server.client("alice")
            for title in ("kept", "trashed"):
                created = alice.post("/tasks", json={"title": title, "description": "Süße Grüße"})
            alice.delete(created.headers["Location"].removeprefix("/api"))
            before = alice.get("/me/export").json()
        run("pg_dump", "--format=custom", "--no-owner", f"--file={dump}", address(original))

    with postgres() as fresh:
        fresh.execute("CREATE ROLE todo_api NOLOGIN")
        fresh.execute("CREATE DATABASE todo_restored")
        run("pg_restore", "--no-owner", "--exit-on-error", f"--dbname={address(fresh, 'todo_restored')}", str(dump))
        with api(address(fresh, "todo_restored")) as server:
            restored = server.client("alice").get("/me/export").json()
            foreign = server.client("bob").get("/tasks").json()
            written = server.client("alice").post("/tasks", json={"title": "new"})

    assert restored["tasks"] == before["tasks"]
    assert foreign["items"] == []
    assert written.status_code == 201
