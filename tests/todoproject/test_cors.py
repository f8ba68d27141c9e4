"""Cross-origin calls from a front end (Fetch standard, "CORS protocol")."""

import pytest

from tests.support.clients import Client, User

APP = "https://app.example.com"
EXPOSED = {
    "ETag",
    "Location",
    "Link",
    "Retry-After",
    "X-Request-ID",
    "RateLimit",
    "RateLimit-Policy",
    "Idempotency-Replayed",
}
REQUESTED = (
    "authorization", "content-type", "if-match", "if-none-match", "idempotency-key", "x-request-id", "traceparent",
)  # fmt: skip


def headers_of(value: str) -> set[str]:
    return {name.strip() for name in value.split(",")}


@pytest.mark.parametrize("path", ["/tasks", "/nothing", "/health/live", "/openapi.json", "/docs", "/tasks?limit=0"])
@pytest.mark.parametrize("origin", [APP, "https://evil.example.com", None])
def test_every_answer_varies_by_origin(alice: User, anonymous: Client, path: str, origin: str | None) -> None:
    for client in (alice, anonymous):
        response = client.get(path, headers={"Origin": origin} if origin else {})
        assert "origin" in response.headers["vary"].lower()
        assert response.headers.get("access-control-allow-origin") == (APP if origin == APP else None)
        assert "access-control-allow-credentials" not in response.headers


def test_errors_can_be_read_by_the_front_end(alice: User, anonymous: Client) -> None:
    for response in (
        anonymous.get("/tasks", headers={"Origin": APP}),
        alice.post("/tasks", content=b"{", headers={"Origin": APP}),
        alice.post("/tasks", content=b"x" * (1024 * 1024 + 1), headers={"Origin": APP}),
        alice.patch("/tasks", headers={"Origin": APP}),
    ):
        assert response.status_code >= 400
        assert response.headers["access-control-allow-origin"] == APP
        assert headers_of(response.headers["access-control-expose-headers"]) == EXPOSED


def test_the_contracts_headers_are_exposed(alice: User) -> None:
    response = alice.get("/tasks", headers={"Origin": APP})

    assert headers_of(response.headers["access-control-expose-headers"]) == EXPOSED


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"])
@pytest.mark.parametrize("path", ["/tasks", "/tasks/x", "/me", "/tasks/x/complete"])
def test_a_preflight_is_answered_without_a_token(anonymous: Client, method: str, path: str) -> None:
    response = anonymous.options(
        path,
        headers={
            "Origin": APP,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": ",".join(REQUESTED),
        },
    )

    assert response.status_code in (200, 204)
    assert response.headers["access-control-allow-origin"] == APP
    assert method in headers_of(response.headers["access-control-allow-methods"])
    assert headers_of(response.headers["access-control-allow-headers"]) >= set(REQUESTED)
    assert "access-control-allow-credentials" not in response.headers
    assert "origin" in response.headers["vary"].lower()


@pytest.mark.parametrize(
    "origin", ["https://evil.example.com", "null", "http://app.example.com", f"{APP}:8443", f"{APP}.evil"]
)
def test_a_preflight_of_a_stranger_allows_nothing(anonymous: Client, origin: str) -> None:
    response = anonymous.options("/tasks", headers={"Origin": origin, "Access-Control-Request-Method": "GET"})

    assert not [name for name in response.headers if name.startswith("access-control-")]
    assert "origin" in response.headers["vary"].lower()
