"""GET /health/live and /health/ready"""

import pytest

from authn.problems import Unavailable
from tests.support.clients import Client
from tests.support.wire import Trace
from tests.tasks.refusals import assert_code, bad_locations


def test_a_living_process_says_so_without_the_database(anonymous: Client, statements: Trace) -> None:
    response = anonymous.get("/health/live")

    assert (response.status_code, response.json()) == (200, {"status": "alive"})
    assert statements.round_trips == 0


def test_a_ready_process_has_asked_the_database(anonymous: Client, statements: Trace) -> None:
    response = anonymous.get("/health/ready")

    assert (response.status_code, response.json()) == (200, {"status": "ready"})
    assert statements.round_trips == 1


def test_a_database_that_does_not_answer_makes_it_unready_but_alive(
    anonymous: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable() -> None:
        raise Unavailable

    monkeypatch.setattr("todoproject.readiness.connection", unreachable)

    response = anonymous.get("/health/ready")

    assert_code(response, 503, "unavailable")
    assert "the database does not answer" in response.json()["detail"]
    assert int(response.headers["retry-after"]) >= 1
    assert anonymous.get("/health/live").status_code == 200


def test_missing_migrations_make_it_unready(anonymous: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from todoproject import readiness

    known = readiness._known_migrations() | {("tasks", "9999_future")}
    monkeypatch.setattr(readiness, "_known_migrations", lambda: known)

    response = anonymous.get("/health/ready")

    assert_code(response, 503, "unavailable")
    assert "1 migrations are not applied, run migrate" in response.json()["detail"]


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_query_parameters_are_refused(anonymous: Client, path: str) -> None:
    assert bad_locations(anonymous.get(path, params={"x": "y"})) == [["query", "x"]]
