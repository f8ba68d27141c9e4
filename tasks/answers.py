"""Answers made of the JSON that PostgreSQL has built."""

from collections.abc import Sequence

from django.http import HttpResponse

from authn.wire import Result

from .preconditions import etag


def json_response(body: bytes, status: int = 200, **headers: str) -> HttpResponse:
    return HttpResponse(
        body,
        status=status,
        content_type="application/json",
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


def task_response(result: Result, status: int = 200, **headers: str) -> HttpResponse:
    """A task from the first row of ``result``: JSON text, revision."""
    return json_response(result.text(0, 0), status, ETag=etag(result.text(0, 1).decode()), **headers)


def page_response(items: Sequence[bytes], next_cursor: str | None, tag: str) -> HttpResponse:
    """A page of tasks from their JSON texts."""
    following = b'"' + next_cursor.encode() + b'"' if next_cursor else b"null"
    return json_response(b'{"items":[' + b",".join(items) + b'],"next_cursor":' + following + b"}", ETag=tag)


def not_modified(tag: str) -> HttpResponse:
    return HttpResponse(status=304, headers={"ETag": tag})


def results_response(found: Sequence[bytes]) -> HttpResponse:
    """The tasks of a batch from their JSON texts."""
    return json_response(b'{"results":[' + b",".join(found) + b"]}")
