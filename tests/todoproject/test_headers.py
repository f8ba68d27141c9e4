"""Headers of every answer, the failed ones included."""

import json
import re
from collections.abc import Callable

import httpx
import pytest

from tests.support.clients import Client, User
from tests.support.live_server import LiveServer
from tests.tasks.refusals import UNKNOWN

ANSWERS: dict[int, Callable[[User, Client], httpx.Response]] = {
    200: lambda alice, _: alice.get("/tasks"),
    201: lambda alice, _: alice.post("/tasks", json={"title": "x"}),
    204: lambda alice, _: alice.options("/tasks"),
    304: lambda alice, _: alice.get("/tasks", headers={"If-None-Match": "*"}),
    400: lambda alice, _: alice.post("/tasks", content=b"{"),
    401: lambda _, anonymous: anonymous.get("/tasks"),
    404: lambda alice, _: alice.get("/nothing"),
    405: lambda alice, _: alice.patch("/tasks"),
    412: lambda alice, _: alice.delete(f"/tasks/{alice.create_task()['id']}", headers={"If-Match": '"0"'}),
    413: lambda alice, _: alice.post("/tasks", content=b"x" * (1024 * 1024 + 1)),
    415: lambda alice, _: alice.post("/tasks", content=b"{}", headers={"Content-Type": "text/plain"}),
    422: lambda alice, _: alice.get("/tasks?limit=0"),
}


@pytest.mark.parametrize(("status", "call"), ANSWERS.items())
def test_every_answer_carries_the_common_headers(
    alice: User, anonymous: Client, status: int, call: Callable[[User, Client], httpx.Response]
) -> None:
    response = call(alice, anonymous)

    assert response.status_code == status
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,128}", response.headers["x-request-id"])
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cache-control"] == ("private, no-cache" if "etag" in response.headers else "no-store")
    assert "server" not in response.headers
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize(("status", "call"), [item for item in ANSWERS.items() if item[0] >= 400])
def test_every_error_is_a_problem_that_a_person_can_read(
    alice: User, anonymous: Client, status: int, call: Callable[[User, Client], httpx.Response]
) -> None:
    response = call(alice, anonymous)

    problem = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    assert list(problem)[:7] == ["type", "title", "status", "detail", "code", "instance", "request_id"]
    assert problem["status"] == status
    assert problem["detail"].endswith((".", ">.")), problem["detail"]
    assert problem["request_id"] == response.headers["x-request-id"]
    assert problem["instance"] == response.request.url.path


@pytest.mark.parametrize("given", ["a", "A-b_c.9", "x" * 128, "0193b5f2-7d3e-7c6a-9a41-3f0c2f4f8e11", "..", "-"])
def test_the_callers_request_id_is_kept(alice: User, given: str) -> None:
    response = alice.get("/nothing", headers={"X-Request-ID": given})

    assert response.headers["x-request-id"] == given
    assert response.json()["request_id"] == given


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "a,b", "é", "a/b", '"a"', "a\tb", "a;b", "<x>", "a:b"])
def test_an_unfit_request_id_is_replaced(alice: User, given: str) -> None:
    first = alice.get("/health/live", headers=[(b"X-Request-ID", given.encode())])
    second = alice.get("/health/live", headers=[(b"X-Request-ID", given.encode())])

    assert first.headers["x-request-id"] not in ("", given)
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


def test_two_request_ids_are_no_request_id(alice: User) -> None:
    response = alice.get("/health/live", headers=[("X-Request-ID", "a"), ("X-Request-ID", "b")])

    assert response.headers["x-request-id"] not in ("a", "b", "a,b")


def test_an_unreadable_request_is_no_server_error(server: LiveServer) -> None:
    for target in (b"/api/tasks/%FF%FE", b"/api/%80", b"/api/tasks?%FF=%FE", b"/api/tasks?q=%ED%A0%80", b"/api/\xff"):
        with server.connect() as connection:
            connection.sendall(b"GET " + target + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            answer = connection.makefile("rb").read()
        status = int(answer.split(b" ", 2)[1])
        assert status in (400, 401, 404), answer
        if status != 400:
            assert json.loads(answer.partition(b"\r\n\r\n")[2])["status"] == status


def test_an_unexpected_failure_shows_no_internals(
    alice: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise RuntimeError("secret-internals")

    monkeypatch.setattr("tasks.statements.get_task", fail)

    response = alice.get(f"/tasks/{UNKNOWN}", headers={"X-Request-ID": "find-me"})

    assert (response.status_code, response.json()["code"]) == (500, "internal_error")
    assert "secret-internals" not in response.text
    assert "RuntimeError" not in response.text
    (record,) = [
        record for record in caplog.records if record.name == "todoproject.api" and record.levelname == "ERROR"
    ]
    assert "find-me" in record.getMessage()
    assert record.exc_info is not None
    assert "secret-internals" in str(record.exc_info[1])
