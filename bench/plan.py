"""The requests of a run, call by call: who asks, for what, and which answer is right."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from bench.data import Connection, Table
from bench.tokens import token

CLIENTS = 500
# Each kind of call has users of its own, so that a write does not change what a read is measured on.
READERS, CREATORS, CHANGERS, DELETERS = 1, 501, 1001, 1501
SEARCH = "write number"
PAGE = 20


@dataclass(frozen=True, slots=True)
class Call:
    name: str
    method: str
    status: int
    rows: int | None = None
    product_only: bool = False


CALLS = {
    call.name: call
    for call in (
        Call("list", "GET", 200, rows=PAGE),
        Call("get", "GET", 200),
        Call("create", "POST", 201),
        Call("put", "PUT", 200),
        Call("patch", "PATCH", 200),
        Call("complete", "PATCH", 200),
        Call("delete", "DELETE", 204),
        Call("search", "GET", 200, rows=PAGE // 5),
        Call("unchanged", "GET", 304, product_only=True),
    )
}


@dataclass(frozen=True, slots=True)
class Line:
    """One request; the file of a plan holds one a line, its fields separated by tabs."""

    method: str
    path: str
    token: str
    body: str = ""
    etag: str = ""

    def __str__(self) -> str:
        return "\t".join((self.method, self.path, self.token, self.etag, self.body))


def read_line(text: str) -> Line:
    method, path, bearer, etag, body = text.rstrip("\n").split("\t")
    return Line(method, path, bearer, body, etag)


def write(path: Path, lines: list[Line]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def lines_of(
    call: str, table: Table, connection: Connection, *, clients: int = CLIENTS, spare: int = 2000
) -> list[Line]:
    """The requests of a call; a run walks over them and begins again, but for deletes, of which there are `spare`."""
    if call in {"list", "search", "unchanged"}:
        query = f"limit={PAGE}" + (f"&q={SEARCH.replace(' ', '%20')}" if call == "search" else "")
        return [Line("GET", f"/api/tasks?{query}", token(f"demo-{n}")) for n in range(READERS, READERS + clients)]
    if call == "create":
        body = json(title="A task made by the benchmark", description="With a description of a reasonable length.")
        return [Line("POST", "/api/tasks", token(f"demo-{n}"), body) for n in range(CREATORS, CREATORS + clients)]
    if call == "get":
        tasks = table.tasks_of(connection, READERS, clients, 1)
        return [Line("GET", f"/api/tasks/{key}", token(user)) for user, key in tasks]
    if call == "delete":
        return list(islice(deletes(table, connection, clients, spare), spare))
    return list(changes(call, table.tasks_of(connection, CHANGERS, clients, 1)))


def deletes(table: Table, connection: Connection, clients: int, spare: int) -> Iterator[Line]:
    """Rows made for the purpose, so that each delete finds its own; two in three are open, and those are taken."""
    per_user = spare * 3 // (2 * clients) + 3
    table.fill(connection, users=clients, tasks=per_user, first=DELETERS)
    for user, key in table.tasks_of(connection, DELETERS, clients, per_user):
        yield Line("DELETE", f"/api/tasks/{key}", token(user))


def changes(call: str, tasks: list[tuple[str, str]]) -> Iterator[Line]:
    """Every pass over the tasks writes other values than the pass before, so that each call changes something."""
    bodies: dict[str, Callable[[int], dict[str, Any]]] = {
        "put": lambda n: {"title": f"Replaced {n} times", "description": f"Version {n}", "completed": n % 2 == 0},
        "patch": lambda n: {"title": f"Renamed {n} times"},
        "complete": lambda n: {"completed": n % 2 == 0},
    }
    method, suffix = ("PUT", "") if call == "put" else ("PATCH", "/complete" if call == "complete" else "")
    for n in range(4):
        for user, key in tasks:
            yield Line(method, f"/api/tasks/{key}{suffix}", token(user), json(**bodies[call](n)))


def json(**values: Any) -> str:
    return orjson.dumps(values).decode()
