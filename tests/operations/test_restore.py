"""The backup of docs/deployment.md: its commands, between two clusters whose user is no superuser."""

import subprocess
from pathlib import Path

from todoproject import host

from .doctor import examined
from .machines import Postgres, api, postgres


def run(program: str, *arguments: str) -> None:
    subprocess.run([str(host.binaries() / program), *arguments], check=True, capture_output=True)


def database(server: Postgres, name: str) -> str:
    """What an administrator makes before the first start, and before a restore."""
    server.execute("CREATE ROLE todo LOGIN")
    server.execute("CREATE ROLE todo_api NOLOGIN")
    server.execute("GRANT todo_api TO todo")
    server.execute(f"CREATE DATABASE {name} OWNER todo")
    return f"postgresql://todo@/{name}?host={server.sockets}"


def test_a_dump_restored_into_a_fresh_cluster_serves_the_same_answers(tmp_path: Path) -> None:
    dump = tmp_path / "todo.dump"
    with postgres() as original:
        url = database(original, "tasks_of_all")
        with api(url) as server:
            alice = server.client("alice")
            for title in ("kept", "trashed"):
                created = alice.post("/tasks", json={"title": title, "description": "Süße Grüße"})
            alice.delete(created.headers["Location"].removeprefix("/api"))
            before = alice.get("/me/export").json()
        run("pg_dump", "--format=custom", "--no-owner", f"--file={dump}", url)

    with postgres() as fresh:
        url = database(fresh, "todo_restored")
        run("pg_restore", "--no-owner", "--exit-on-error", f"--dbname={url}", str(dump))
        with api(url) as server:
            restored = server.client("alice").get("/me/export").json()
            foreign = server.client("bob").get("/tasks").json()
            written = server.client("alice").post("/tasks", json={"title": "new"})
        rights = examined(url, "database rights")

    assert restored["tasks"] == before["tasks"]
    assert foreign["items"] == []
    assert written.status_code == 201
    assert rights["level"] == "ok"
