import httpx
import pytest
from pytest_django.fixtures import Settings

from tests.support.clients import Client, User
from tests.support.live_server import LiveServer

TOKEN = "a-token-that-only-the-scraper-knows"


@pytest.fixture(autouse=True)
def _metrics_are_served(settings: Settings) -> None:
    settings.METRICS_TOKEN = TOKEN


def scrape(server: LiveServer, **headers: str) -> httpx.Response:
    return httpx.get(f"{server.url}/metrics", headers=headers)


def numbers(server: LiveServer) -> dict[str, float]:
    """Every series with its value."""
    lines = scrape(server, Authorization=f"Bearer {TOKEN}").text.splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}


def grown(before: dict[str, float], after: dict[str, float], series: str) -> float:
    return after.get(series, 0) - before.get(series, 0)


def test_only_the_bearer_of_the_token_reads_them(server: LiveServer, alice: User) -> None:
    answers = [
        scrape(server),
        scrape(server, Authorization="Bearer wrong"),
        scrape(server, Authorization=f"Basic {TOKEN}"),
        scrape(server, Authorization=f"Bearer {alice.token}"),
        scrape(server, Authorization=f"bearer {TOKEN}"),
    ]

    assert [answer.status_code for answer in answers] == [401, 401, 401, 401, 200]
    assert answers[0].headers["WWW-Authenticate"] == "Bearer"
    assert answers[4].headers["Content-Type"].startswith("text/plain; version=")


def test_without_a_token_in_the_settings_there_is_no_such_path(server: LiveServer, settings: Settings) -> None:
    settings.METRICS_TOKEN = None

    answer = scrape(server, Authorization="Bearer None")

    assert answer.status_code == 404


def test_calls_are_counted_by_route_template_and_status(server: LiveServer, alice: User) -> None:
    task = alice.create_task()
    before = numbers(server)

    alice.get(f"/tasks/{task['id']}")
    alice.get("/tasks/unknown")
    alice.get("/nothing/here")

    after = numbers(server)
    route = 'method="GET",route="/api/tasks/{task_id}"'
    assert grown(before, after, f'todo_requests_total{{{route},status="200"}}') == 1
    assert grown(before, after, f'todo_requests_total{{{route},status="404"}}') == 1
    assert grown(before, after, f"todo_request_seconds_count{{{route}}}") == 2
    assert grown(before, after, f'todo_request_seconds_bucket{{le="+Inf",{route}}}') == 2
    assert grown(before, after, 'todo_requests_total{method="GET",route="unmatched",status="404"}') == 1
    assert task["id"] not in str(after)


def test_invented_methods_make_one_series(server: LiveServer, alice: User) -> None:
    before = numbers(server)

    for method in ("PROPFIND", "MKCOL", "LOCK"):
        alice.request(method, "/tasks")

    after = numbers(server)
    assert grown(before, after, 'todo_requests_total{method="other",route="/api/tasks",status="405"}') == 3
    assert "PROPFIND" not in str(after)


def test_refused_tokens_are_counted_by_reason(server: LiveServer, anonymous: Client) -> None:
    before = numbers(server)

    anonymous.get("/tasks")
    anonymous.get("/tasks", headers={"Authorization": "Bearer nonsense"})

    after = numbers(server)
    assert grown(before, after, 'todo_token_refusals_total{reason="no_token"}') == 1
    assert grown(before, after, 'todo_token_refusals_total{reason="not_a_jwt"}') == 1


def test_the_pool_reports_its_connections(server: LiveServer, alice: User) -> None:
    before = numbers(server)

    alice.get("/tasks")

    after = numbers(server)
    assert after["todo_pool_connections"] >= 1
    assert after["todo_pool_waiting"] == 0
    assert grown(before, after, "todo_pool_checkouts_total") == 1
    assert {"todo_pool_waits_total", "todo_pool_wait_seconds_total", "todo_pool_timeouts_total"} <= after.keys()
    assert {'todo_key_fetches_total{result="ok"}', 'todo_key_fetches_total{result="failed"}'} <= after.keys()


def test_a_scrape_starts_no_thread(server: LiveServer, threads: list[str]) -> None:
    scrape(server, Authorization=f"Bearer {TOKEN}")

    assert threads == []
