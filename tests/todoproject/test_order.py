"""The order of checks: unknown path, then token, then method, then body."""

import httpx
import pytest

from tests.support.clients import Client, User
from tests.support.live_server import LiveServer
from tests.tasks.refusals import assert_code

HUGE = b'"' + b"x" * (1024 * 1024) + b'"'
UNKNOWN_PATHS = (
    "/nothing", "/tasks/", "/tasks/x/y", "/tasks/x/complete/", "/Tasks", "/me/", "/x//tasks", "/tasks//complete",
    "/health", "/health/live/", "/health/x", "/docs/", "/openapi.json/", "/openapi", "/docs/x", "/", "/%00",
    "/tasks%2F", "/..%2Fadmin", "/🐘", "/tasks;x=1",
)  # fmt: skip


@pytest.mark.parametrize("path", UNKNOWN_PATHS)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "PURGE"])
def test_an_unknown_path_is_404_for_everybody(anonymous: Client, alice: User, path: str, method: str) -> None:
    for client in (anonymous, alice):
        response = client.request(method, path, content=b"{", headers={"Content-Type": "text/plain"})
        assert_code(response, 404, "not_found")
        assert "location" not in response.headers


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/tasks"), ("PATCH", "/tasks"), ("PUT", "/tasks/x"), ("POST", "/me")]
)
@pytest.mark.parametrize("body", [b"", b"{", b'{"title": ""}', HUGE])
def test_the_token_comes_before_method_and_body(anonymous: Client, method: str, path: str, body: bytes) -> None:
    for kind in ("application/json", "text/plain"):
        response = anonymous.request(method, path, content=body, headers={"Content-Type": kind})
        assert_code(response, 401, "not_authenticated")


@pytest.mark.parametrize(
    ("method", "path"), [("PATCH", "/tasks"), ("POST", "/tasks/x"), ("POST", "/me"), ("PURGE", "/tasks")]
)
@pytest.mark.parametrize("body", [b"", b"{", b'{"title": ""}'])
def test_the_method_comes_before_the_body(alice: User, method: str, path: str, body: bytes) -> None:
    response = alice.request(method, path, content=body, headers={"Content-Type": "text/plain"})

    assert_code(response, 405, "method_not_allowed")


def test_health_takes_no_notice_of_tokens(anonymous: Client) -> None:
    for headers in ({"Authorization": "Bearer x"}, {"Authorization": ""}, {"Authorization": "Basic x"}, {}):
        for path in ("/health/live", "/health/ready"):
            assert anonymous.get(path, headers=headers).status_code == 200


def test_the_contract_and_its_page_take_no_notice_of_tokens(anonymous: Client) -> None:
    for path in ("/docs", "/openapi.json"):
        assert anonymous.get(path, headers={"Authorization": "Bearer x"}).status_code == 200


def test_the_base_path_itself_is_unknown(server: LiveServer) -> None:
    response = httpx.get(f"{server.url}/api")

    assert_code(response, 404, "not_found")
