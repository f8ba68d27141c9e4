"""Bodies of 1 MiB pass; larger ones are refused before they are read, or as soon as they are over."""

import json
import socket

import pytest

from tests.support.clients import User
from tests.support.live_server import LiveServer
from tests.tasks.refusals import assert_code

LIMIT = 1024 * 1024


def body_of(size: int) -> bytes:
    return b'{"title": "x"' + b" " * (size - 14) + b"}"


def request_head(user: User, *lines: str) -> bytes:
    head = ["POST /api/tasks HTTP/1.1", "Host: localhost", f"Authorization: Bearer {user.token}", *lines, "", ""]
    return "\r\n".join(head).encode()


def answer_of(connection: socket.socket) -> tuple[int, dict[str, object]]:
    """Status and problem of the answer that arrives without another byte sent."""
    received = b""
    while b"\r\n\r\n" not in received or not received.rstrip().endswith(b"}"):
        chunk = connection.recv(65536)
        if not chunk:
            break
        received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]), json.loads(body)


def test_exactly_the_limit_passes(alice: User) -> None:
    response = alice.post("/tasks", content=body_of(LIMIT))

    assert response.status_code == 201, response.text


def test_one_byte_more_is_refused(alice: User) -> None:
    assert_code(alice.post("/tasks", content=body_of(LIMIT + 1)), 413, "payload_too_large")


@pytest.mark.parametrize(("size", "status"), [(LIMIT, 201), (LIMIT + 1, 413)])
def test_the_limit_holds_for_chunked_bodies(alice: User, size: int, status: int) -> None:
    body = body_of(size)
    chunks = (body[at : at + 60_000] for at in range(0, size, 60_000))

    response = alice.post("/tasks", content=chunks)

    assert response.status_code == status, response.text


@pytest.mark.parametrize("declared", [LIMIT + 1, 10**12, 10**30])
def test_a_larger_content_length_is_refused_before_the_body_is_read(
    alice: User, server: LiveServer, declared: int
) -> None:
    with server.connect() as connection:
        connection.sendall(request_head(alice, f"Content-Length: {declared}"))
        if declared == 10**30:  # no HTTP parser takes it
            assert connection.recv(65536).startswith(b"HTTP/1.1 400")
            return
        status, problem = answer_of(connection)

    assert (status, problem["code"]) == (413, "payload_too_large")


def test_expecting_to_continue_a_large_body_is_refused_at_once(alice: User, server: LiveServer) -> None:
    with server.connect() as connection:
        connection.sendall(request_head(alice, f"Content-Length: {LIMIT + 1}", "Expect: 100-continue"))
        status, problem = answer_of(connection)

    assert (status, problem["code"]) == (413, "payload_too_large")


def test_a_chunked_body_is_refused_as_soon_as_it_is_over(alice: User, server: LiveServer) -> None:
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    with server.connect() as connection:
        connection.sendall(request_head(alice, "Transfer-Encoding: chunked", "Content-Type: application/json"))
        for _ in range(17):
            connection.sendall(chunk)
        status, problem = answer_of(connection)  # although the last chunk never came

    assert (status, problem["code"]) == (413, "payload_too_large")


def test_a_body_is_not_read_where_none_is_expected(server: LiveServer, alice: User) -> None:
    head = request_head(alice, "Content-Length: 100000").replace(b"POST /api/tasks", b"POST /api/nothing")
    with server.connect() as connection:
        connection.sendall(head)
        status, problem = answer_of(connection)

    assert (status, problem["code"]) == (404, "not_found")


def test_the_connection_after_a_refused_body_cannot_smuggle_a_request(alice: User, server: LiveServer) -> None:
    smuggled = b"DELETE /api/me HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with server.connect() as connection:
        connection.sendall(request_head(alice, f"Content-Length: {LIMIT + 1}") + smuggled)
        received = connection.makefile("rb").read(200_000) if _closes(connection) else b""

    assert received.count(b"HTTP/1.1 ") <= 1


def _closes(connection: socket.socket) -> bool:
    connection.shutdown(socket.SHUT_WR)
    return True


def test_a_client_that_leaves_within_its_body_is_no_error(
    alice: User, server: LiveServer, caplog: pytest.LogCaptureFixture
) -> None:
    with server.connect() as connection:
        connection.sendall(request_head(alice, "Content-Length: 1000") + b'{"title": ')

    assert alice.get("/tasks").status_code == 200
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
