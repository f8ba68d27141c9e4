"""Clients that send too much, too deep or too slowly, or do not read: bounded time and memory, and nobody notices."""

import json
import resource
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.support.clients import Client, User
from tests.support.live_server import LiveServer
from todoproject.protocol import BoundedProtocol

CLIENTS = 30  # far more than the pool has connections


def head(path: str, *headers: str, method: str = "GET") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode()


def status(connection: socket.socket) -> int:
    """The status of the answer, 0 when the server has closed without one."""
    line = connection.makefile("rb").readline()
    return int(line.split()[1]) if line else 0


@pytest.fixture
def connection(server: LiveServer) -> Iterator[socket.socket]:
    with server.connect() as opened:
        yield opened


@pytest.mark.parametrize("nested", ["[" * 100_000, '{"a":' * 100_000, '{"title":' + "[" * 100_000, "[" * 10 + "]" * 11])
def test_deep_json_is_refused(alice: User, nested: str) -> None:
    begun = time.monotonic()

    answer = alice.post("/tasks", content=nested, headers={"Content-Type": "application/json"})

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_json")
    assert time.monotonic() - begun < 2


def test_closed_deep_json_is_refused_without_recursion(alice: User) -> None:
    answer = alice.post("/tasks", content=b'{"title":' + b"[" * 100_000 + b"]" * 100_000 + b"}")

    assert answer.status_code in (400, 422)


def test_an_array_of_10_000_elements_is_refused_with_a_bounded_answer(alice: User) -> None:
    operations = [{"op": "create", "task": {"title": ""}}] * 10_000

    answers = [
        alice.post("/tasks/batch", json={"operations": operations}),
        alice.post("/tasks/batch", json={"operations": [1] * 10_000}),
        alice.post("/tasks", json={"title": ["x"] * 10_000}),
        alice.post("/tasks", content=json.dumps({f"field{number}": 1 for number in range(10_000)})),
    ]

    assert {answer.status_code for answer in answers} == {422}
    assert max(len(answer.content) for answer in answers) < 4 * 1024 * 1024
    assert alice.tasks() == []


def test_headers_over_the_limit_end_the_connection(connection: socket.socket) -> None:
    connection.sendall(b"GET /api/tasks HTTP/1.1\r\nHost: localhost\r\n")
    try:
        for number in range(400):
            connection.sendall(b"X-Filler-%d: " % number + b"x" * 4000 + b"\r\n")
        answered = status(connection)
    except ConnectionError:
        answered = 0

    assert answered in (0, 431)


def test_headers_just_large_are_served(alice: User) -> None:
    answer = alice.get("/tasks", headers={"X-Filler": "x" * 30_000})

    assert answer.status_code == 200


def test_trailers_without_end_end_the_connection(connection: socket.socket) -> None:
    connection.sendall(head("/api/tasks", "Transfer-Encoding: chunked", method="POST") + b"0\r\n")

    def flood() -> None:
        for number in range(4000):
            connection.sendall(b"X-Trailer-%d: " % number + b"x" * 4000 + b"\r\n")

    with pytest.raises(ConnectionError):
        flood()


def test_headers_that_do_not_end_in_time_are_408(
    connection: socket.socket, monkeypatch: pytest.MonkeyPatch, server: LiveServer
) -> None:
    monkeypatch.setattr("todoproject.protocol.HEADER_SECONDS", 0.3)
    with server.connect() as impatient, server.connect() as silent:
        impatient.sendall(b"GET /api/tasks HTTP/1.1\r\nHost: loc")

        assert status(impatient) == 408
        assert status(silent) == 408


def test_a_body_that_does_not_end_in_time_is_408(
    alice: User, connection: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("todoproject.requests.BODY_SECONDS", 0.3)
    connection.sendall(
        head("/api/tasks", f"Authorization: Bearer {alice.token}", "Content-Length: 100", method="POST") + b'{"title'
    )

    assert status(connection) == 408


def test_slow_senders_hold_no_connection_of_the_pool(server: LiveServer, alice: User) -> None:
    begun = head("/api/tasks", f"Authorization: Bearer {alice.token}", "Content-Length: 100", method="POST") + b'{"ti'
    with ExitStack() as slow:
        for _ in range(CLIENTS):
            slow.enter_context(server.connect()).sendall(begun)

        answer = alice.get("/tasks")

    assert answer.status_code == 200
    assert answer.elapsed.total_seconds() < 2


def test_slow_readers_hold_no_connection_of_the_pool(server: LiveServer, alice: User) -> None:
    for number in range(3):
        operations = [{"op": "create", "task": {"title": f"{number}", "description": "x" * 9_000}}] * 100
        assert alice.post("/tasks/batch", json={"operations": operations}).status_code == 200
    export = head("/api/me/export", f"Authorization: Bearer {alice.token}")
    with ExitStack() as slow:
        for _ in range(CLIENTS):
            reader = slow.enter_context(server.connect())
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            reader.sendall(export)

        answers = [alice.get("/tasks?limit=1") for _ in range(5)]

    assert {answer.status_code for answer in answers} == {200}
    assert max(answer.elapsed.total_seconds() for answer in answers) < 5


def test_a_client_that_stops_reading_is_dropped(
    server: LiveServer, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    dropped = threading.Event()
    drop = BoundedProtocol.drop

    def watched(protocol: BoundedProtocol) -> None:
        drop(protocol)
        dropped.set()

    monkeypatch.setattr(BoundedProtocol, "drop", watched)
    monkeypatch.setattr("todoproject.protocol.STALLED_SECONDS", 0.3)
    for number in range(4):
        operations = [{"op": "create", "task": {"title": f"{number}", "description": "x" * 9_900}}] * 100
        assert alice.post("/tasks/batch", json={"operations": operations}).status_code == 200
    with server.connect() as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        for _ in range(4):  # more than the kernel's buffers take
            reader.sendall(head("/api/me/export", f"Authorization: Bearer {alice.token}"))

        assert dropped.wait(20)
    assert alice.get("/tasks?limit=1").status_code == 200


def test_a_flood_of_large_bodies_leaves_no_memory_behind(alice: User, anonymous: Client) -> None:
    body = b'{"title": "' + b"x" * (1024 * 1024 - 20)

    def flood() -> int:
        for _ in range(20):
            assert alice.post("/tasks", content=body).status_code == 400
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    flood()
    before = flood()

    assert flood() - before < 20 * 1024  # KiB: less than the twenty bodies
