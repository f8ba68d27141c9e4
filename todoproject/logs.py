"""Log lines: JSON for machines in production, text for people in development.

No line holds a token, a title, an email or a subject: a subject appears as a hash that only the owner of the secret key
can compute, and an address only when it was turned away.
"""

import logging
import os
from contextlib import suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import orjson
import psycopg
from django.conf import settings

from authn.problems import InvalidToken

from .client_address import client_address

if TYPE_CHECKING:
    from .requests import ApiRequest

STDERR = 2
REFUSALS = (401, 429)  # the address of a client that is turned away is what an operator needs to act

access_logger = logging.getLogger("todoproject.access")
current_request: "ContextVar[ApiRequest | None]" = ContextVar("current_request", default=None)


class _Discreet(logging.Formatter):
    def formatException(self, ei: Any) -> str:  # noqa: N802
        """The traceback without PostgreSQL's DETAIL and CONTEXT, which quote rows and with them people's data."""
        text = super().formatException(ei)
        error: BaseException | None = ei[1]
        while error is not None:
            if isinstance(error, psycopg.Error):
                for quoted in (error.diag.message_detail, error.diag.context):
                    text = text.replace(quoted, "(not logged)") if quoted else text
            error = error.__cause__ or error.__context__
        return text


class TextFormatter(_Discreet):
    default_time_format = "%H:%M:%S"
    default_msec_format = "%s.%03d"

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")


class JSONFormatter(_Discreet):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": _time(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        request = current_request.get()
        if request is not None:
            line["request_id"] = request.request_id
            if request.trace_id:
                line["trace_id"] = request.trace_id
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


def log_request(request: "ApiRequest", method: str, route: str, status: int, seconds: float) -> None:
    """One line for one answer, written past the logging framework, whose records cost more than all the rest here."""
    if not access_logger.isEnabledFor(logging.INFO):
        return
    line = _text_line if settings.LOG_FORMAT == "text" else _json_line
    # A log that is full or gone must not stop the request.
    with suppress(OSError):
        os.write(STDERR, line(request, method, route, status, seconds))


def _json_line(request: "ApiRequest", method: str, route: str, status: int, seconds: float) -> bytes:
    line = {
        "time": datetime.now(UTC),
        "level": "info",
        "logger": "todoproject.access",
        "method": method,
        "route": route,
        "status": status,
        "duration_ms": round(seconds * 1000, 2),
        "request_id": request.request_id,
    }
    if request.caller is not None:
        line["subject"] = subject_hash(request.caller.subject)
    if request.trace_id:
        line["trace_id"] = request.trace_id
    if request.problem is not None:
        line["code"] = request.problem.problem_code
        if isinstance(request.problem, InvalidToken):
            line["reason"] = request.problem.reason
        if status in REFUSALS:
            line["client"] = client_address(request)
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z)


def _text_line(request: "ApiRequest", method: str, route: str, status: int, seconds: float) -> bytes:
    now = datetime.now().astimezone()
    code = "" if request.problem is None else f" {request.problem.problem_code}"
    return f"{now:%H:%M:%S} {method} {route} {status}{code} {seconds * 1000:.1f} ms [{request.request_id}]\n".encode()


def _time(timestamp: float) -> str:
    return datetime.fromtimestamp(timestamp, UTC).isoformat().replace("+00:00", "Z")


@cache
def _hash_key(secret: str) -> bytes:
    return blake2b(secret.encode(), person=b"todo log subject").digest()


def subject_hash(subject: str) -> str:
    """The name of a subject in the logs: equal for equal subjects, and meaningless without the secret key."""
    return blake2b(
        subject.encode("utf-8", "surrogatepass"), key=_hash_key(settings.SECRET_KEY), digest_size=8
    ).hexdigest()
