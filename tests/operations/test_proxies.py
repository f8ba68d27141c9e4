"""The examples of deploy/ in front of the real service: nginx and Caddy pass on what they should and nothing else."""

import http.server
import json
import re
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.support.clients import mint

from .machines import Api, api, free_port, postgres
from .proxies import PROXIES, Proxy, proxy_in_front

TOKEN = "a-token-that-only-the-scraper-knows"
PROBLEM = {"type", "title", "status", "code", "detail", "instance", "request_id"}


@pytest.fixture(scope="module")
def server() -> Iterator[Api]:
    with postgres() as database, api(database.url, TRUSTED_PROXIES="127.0.0.1", METRICS_TOKEN=TOKEN) as process:
        yield process


@pytest.fixture(scope="module", params=PROXIES)
def proxy(server: Api, request: pytest.FixtureRequest) -> Iterator[Proxy]:
    with proxy_in_front(request.param, server.port) as proxy:
        yield proxy


@pytest.fixture
def anybody(proxy: Proxy) -> Iterator[httpx.Client]:
    with proxy.client() as client:
        yield client


@pytest.fixture
def alice(proxy: Proxy) -> Iterator[httpx.Client]:
    with proxy.client(Authorization=f"Bearer {mint('alice')}") as client:
        yield client


def test_an_etag_comes_through_as_it_is_whatever_the_client_can_decompress(alice: httpx.Client) -> None:
    written = alice.post("/api/tasks", json={"title": "Long", "description": "compressible " * 500})
    read = alice.get(written.headers["Location"], headers={"Accept-Encoding": "gzip, zstd"})
    changed = alice.patch(
        written.headers["Location"], json={"title": "New"}, headers={"If-Match": read.headers["ETag"]}
    )

    assert (written.status_code, read.status_code, changed.status_code) == (201, 200, 200)
    assert read.headers["ETag"] == written.headers["ETag"]


def test_a_client_does_not_choose_the_address_that_it_is_known_by(anybody: httpx.Client, server: Api) -> None:
    forged = {
        "X-Forwarded-For": "127.0.0.1, 203.0.113.77",
        "Forwarded": "for=203.0.113.77",
        "X-Real-IP": "203.0.113.77",
    }

    refused = anybody.get("/api/tasks", headers=forged)

    lines = [json.loads(line) for line in server.log.read_text().splitlines() if line.startswith("{")]
    assert refused.status_code == 401
    assert [line["client"] for line in lines if line.get("request_id") == refused.headers["X-Request-ID"]] == [
        "127.0.0.2"
    ]


def test_http_leads_to_https(proxy: Proxy) -> None:
    answer = httpx.get(f"{proxy.http_url}/admin/")

    assert answer.status_code in (301, 308)
    assert re.fullmatch(r"https://127\.0\.0\.1(:\d+)?/admin/", answer.headers["Location"])


def test_staff_reach_the_sign_in_over_https_and_its_form_is_accepted(anybody: httpx.Client) -> None:
    """No redirect without end, cookies for HTTPS only, and the form's origin is the page's."""
    form = anybody.get("/admin/", follow_redirects=True, headers={"X-Forwarded-Proto": "http"})
    token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', form.text)[0]
    sent = anybody.post(
        form.url,
        data={"username": "nobody", "password": "wrong", "csrfmiddlewaretoken": token},
        headers={"Origin": "https://127.0.0.1"},
    )

    assert (form.url.path, form.status_code) == ("/admin/login/", 200)
    assert "Secure" in form.headers["Set-Cookie"]
    assert "max-age=" in form.headers["Strict-Transport-Security"]
    assert (sent.status_code, "correct username and password" in sent.text) == (200, True)


def test_static_files_are_typed_compressed_and_cacheable(anybody: httpx.Client) -> None:
    page = anybody.get("/admin/login/").text
    for name in re.findall(r'"(/static/[^"]+\.(?:css|js))"', page):
        file = anybody.get(name)

        assert file.headers["Content-Type"].startswith("text/css" if name.endswith("css") else "text/javascript")
        assert "max-age=" in file.headers["Cache-Control"]
        assert len(file.content) < 1024 or file.headers["Content-Encoding"] in ("gzip", "zstd")


@pytest.mark.parametrize("path", ["/metrics", "/%6detrics", "//metrics", "/metrics?x=1", "/x/../metrics", "/metrics/"])
def test_metrics_stay_inside(anybody: httpx.Client, server: Api, path: str) -> None:
    scraper = {"Authorization": f"Bearer {TOKEN}"}

    assert httpx.get(f"{server.url}/metrics", headers=scraper).status_code == 200
    assert anybody.get(path, headers=scraper).status_code == 404


@pytest.mark.parametrize("size", [1_500_000, 3_000_000])
def test_a_body_over_the_limit_is_the_same_problem_wherever_it_is_refused(alice: httpx.Client, size: int) -> None:
    answer = alice.post("/api/tasks", content=b"x" * size, headers={"Content-Type": "application/json"})

    assert (answer.status_code, answer.headers["Content-Type"]) == (413, "application/problem+json")
    assert (answer.json()["code"], set(answer.json())) == ("payload_too_large", PROBLEM)


@pytest.mark.parametrize("name", PROXIES)
def test_a_service_that_is_away_is_a_problem_too(name: str) -> None:
    with proxy_in_front(name, free_port()) as proxy, proxy.client() as client:
        answer = client.post("/api/tasks", json={"title": "Unheard"})

    assert (answer.status_code, answer.headers["Content-Type"]) == (503, "application/problem+json")
    assert (answer.json()["code"], set(answer.json())) == ("unavailable", PROBLEM)
    assert int(answer.headers["Retry-After"]) >= 1


def test_caddy_makes_a_wait_of_a_restart() -> None:
    class Late(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    port = free_port()
    with proxy_in_front("caddy", port) as proxy, proxy.client() as client:
        begun = threading.Timer(0.5, lambda: serve_once(port, Late))
        begun.start()
        answer = client.get("/api/tasks")
        begun.join()

    assert answer.status_code == 204


def serve_once(port: int, handler: type[http.server.BaseHTTPRequestHandler]) -> None:
    with http.server.HTTPServer(("127.0.0.1", port), handler) as late:
        late.handle_request()


def test_the_service_keeps_an_idle_connection_longer_than_its_proxies(server: Api) -> None:
    """With uvicorn's own five seconds, a proxy now and then sends a POST into a connection being closed: 502."""
    with httpx.Client(base_url=server.url) as client:
        client.get("/api/health/live")
        (idle,) = client._transport._pool.connections  # type: ignore[attr-defined]
        time.sleep(5.5)

        assert not idle._connection._network_stream.get_extra_info("is_readable")  # readable: the server has closed it
        assert client.get("/api/health/live").status_code == 200
