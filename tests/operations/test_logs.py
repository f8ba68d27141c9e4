import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pytest_django.fixtures import Settings

from tests.support.clients import Client, NewUser, User
from todoproject import logs
from todoproject.logs import JSONFormatter, TextFormatter

from .machines import until

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture(autouse=True)
def _json_lines(settings: Settings) -> None:
    settings.LOG_FORMAT = "json"


class Log:
    """What the process has written; a line appears just after its answer."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def text(self) -> str:
        return self._path.read_text()

    def requests(self, count: int) -> list[dict[str, Any]]:
        """The lines about requests, once there are so many."""

        def complete() -> bool:
            return self.text.count("todoproject.access") >= count

        until(complete, f"{count} lines about requests")
        lines = [json.loads(line) for line in self.text.splitlines() if "todoproject.access" in line]
        assert len(lines) == count
        return lines


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Log]:
    """The lines about requests in a file: pytest's own capture loses what is written while it is read."""
    path = tmp_path / "stderr"
    with path.open("ab") as written:
        monkeypatch.setattr(logs, "STDERR", written.fileno())
        yield Log(path)
        monkeypatch.undo()


def test_a_call_is_one_line(alice: User, log: Log) -> None:
    task = alice.create_task()

    alice.get(f"/tasks/{task['id']}", headers={"X-Request-ID": "check-1"})

    _, line = log.requests(2)
    assert line["duration_ms"] > 0
    assert {name: line[name] for name in ("level", "method", "route", "status", "request_id")} == {
        "level": "info",
        "method": "GET",
        "route": "/api/tasks/{task_id}",
        "status": 200,
        "request_id": "check-1",
    }


def test_no_line_holds_a_token_a_title_an_email_or_a_subject(
    new_user: NewUser, log: Log, caplog: pytest.LogCaptureFixture
) -> None:
    carol = new_user("carol", email="carol@private.example", name="Carol Private")
    task = carol.create_task("A private title", description="A private description")

    carol.get("/tasks", params={"q": "private"})
    carol.get(f"/tasks/{task['id']}")
    carol.get("/tasks/A%20private%20path")
    carol.post("/tasks", json={"title": "A private title" * 100})
    carol.get("/tasks", headers={"Authorization": f"Bearer {carol.token}x"})

    log.requests(6)
    # uvicorn's own lines about requests are switched off where it serves.
    others = [record.getMessage() for record in caplog.records if not record.name.startswith(("uvicorn", "httpx"))]
    written = log.text + "\n".join(others)
    assert "private" not in written.lower()
    assert carol.subject not in written
    assert carol.token.rpartition(".")[2] not in written


def test_a_subject_has_one_name_in_the_logs(alice: User, bob: User, log: Log) -> None:
    for caller in (alice, bob, alice):
        caller.get("/tasks")

    first, other, again = (line["subject"] for line in log.requests(3))
    assert first == again != other


def test_a_refusal_says_why_and_where_from(anonymous: Client, alice: User, log: Log) -> None:
    anonymous.get("/tasks", headers={"Authorization": "Bearer nonsense"})
    alice.get("/tasks/unknown")

    refused, missing = log.requests(2)
    assert (refused["code"], refused["reason"], refused["client"]) == ("invalid_token", "not_a_jwt", "127.0.0.1")
    assert missing["code"] == "not_found"
    assert "client" not in missing


def test_a_trace_is_logged_and_passed_on(alice: User, log: Log) -> None:
    traceparent = f"00-{TRACE}-00f067aa0ba902b7-01"

    answer = alice.get("/tasks", headers={"traceparent": traceparent})

    (line,) = log.requests(1)
    assert line["trace_id"] == TRACE
    assert answer.headers["traceparent"] == traceparent


@pytest.mark.parametrize(
    "traceparent",
    [
        "nonsense",
        f"00-{TRACE}-00f067aa0ba902b7",
        f"00-{TRACE.upper()}-00f067aa0ba902b7-01",
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-00f067aa0ba902b7-01",
        f"00-{TRACE}-00f067aa0ba902b7-01-more",
    ],
)
def test_an_invalid_trace_is_none(alice: User, traceparent: str, log: Log) -> None:
    answer = alice.get("/tasks", headers={"traceparent": traceparent})

    (line,) = log.requests(1)
    assert "trace_id" not in line
    assert "traceparent" not in answer.headers


def test_development_reads_text(alice: User, settings: Settings, log: Log) -> None:
    settings.LOG_FORMAT = "text"

    alice.get("/tasks/unknown")

    until(lambda: "GET /api/tasks" in log.text, "a line")
    assert "GET /api/tasks/{task_id} 404 not_found" in log.text


def test_what_the_database_quotes_of_a_row_is_not_logged() -> None:
    class Diagnosis:
        message_detail = "Failing row contains (1, a private title)."
        context = "COPY tasks, line 1: a private title"

    class Refused(psycopg.IntegrityError):
        diag = Diagnosis()  # type: ignore[assignment]

    try:
        raise Refused(f"violates check\nDETAIL:  {Diagnosis.message_detail}\nCONTEXT:  {Diagnosis.context}")
    except Refused as error:
        record = logging.LogRecord("x", logging.ERROR, "x", 1, "failed", None, (Refused, error, error.__traceback__))

    for formatter in (JSONFormatter(), TextFormatter()):
        record.exc_text = None
        line = formatter.format(record)
        assert "violates check" in line
        assert "private" not in line
