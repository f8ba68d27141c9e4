"""Methods that every path takes, and those that it does not."""

import pytest

from tests.support.clients import Client, User
from tests.tasks.refusals import UNKNOWN, assert_code

ALLOWED = {
    "/tasks": "GET, HEAD, OPTIONS, POST",
    f"/tasks/{UNKNOWN}": "DELETE, GET, HEAD, OPTIONS, PATCH, PUT",
    "/tasks/x": "DELETE, GET, HEAD, OPTIONS, PATCH, PUT",
    f"/tasks/{UNKNOWN}/complete": "OPTIONS, PATCH",
    "/health/live": "GET, HEAD, OPTIONS",
    "/health/ready": "GET, HEAD, OPTIONS",
    "/docs": "GET, HEAD, OPTIONS",
    "/openapi.json": "GET, HEAD, OPTIONS",
}
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE"}


@pytest.mark.parametrize(("path", "allowed"), ALLOWED.items())
def test_another_method_is_405_and_names_those_that_work(alice: User, path: str, allowed: str) -> None:
    for method in METHODS - set(allowed.split(", ")) - {"HEAD"}:
        response = alice.request(method, path)
        assert_code(response, 405, "method_not_allowed")
        assert response.headers["allow"] == allowed
    assert alice.options(path).headers["allow"] == allowed


@pytest.mark.parametrize("path", ALLOWED)
def test_a_plain_options_call_lists_the_methods(alice: User, path: str) -> None:
    response = alice.options(path)

    assert (response.status_code, response.content) == (204, b"")
    assert "OPTIONS" in response.headers["allow"]


def test_head_on_a_path_without_get_is_405_without_a_body(alice: User) -> None:
    response = alice.head(f"/tasks/{UNKNOWN}/complete")

    assert (response.status_code, response.content) == (405, b"")
    assert response.headers["allow"] == "OPTIONS, PATCH"


@pytest.mark.parametrize("path", ["/tasks", "/tasks?limit=1", "/tasks/{id}", "/me", "/health/live", "/health/ready"])
def test_head_answers_what_get_would_but_for_the_body(alice: User, path: str) -> None:
    path = path.replace("{id}", alice.create_task()["id"])

    got, head = alice.get(path), alice.head(path)

    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["content-length"]) == len(got.content)
    for name in ("etag", "content-type", "cache-control", "vary"):
        assert head.headers.get(name) == got.headers.get(name)


@pytest.mark.parametrize("path", ["/docs", "/openapi.json"])
def test_head_works_for_the_contract_too(anonymous: Client, path: str) -> None:
    response = anonymous.head(path)

    assert (response.status_code, response.content) == (200, b"")


def test_head_is_refused_where_get_would_be(anonymous: Client, alice: User) -> None:
    assert anonymous.head("/tasks").status_code == 401
    assert alice.head("/tasks?limit=0").status_code == 422
    assert alice.head(f"/tasks/{UNKNOWN}").status_code == 404
