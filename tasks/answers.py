"""Answers made of the JSON that PostgreSQL has built."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse

from .preconditions import etag


def json_response(body: bytes, status: int = 200, **headers: str) -> HttpResponse:
    return HttpResponse(
        body,
        status=status,
        content_type="application/json",
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


def task_response(row: Sequence[Any], status: int = 200, **headers: str) -> HttpResponse:
    """A task from its row: JSON text, revision."""
    return json_response(row[0].encode(), status, ETag=etag(row[1]), **headers)


def page_response(rows: Sequence[Sequence[Any]], next_cursor: str | None, tag: str) -> HttpResponse:
    """A page of tasks from rows that begin with JSON text."""
    following = f'"{next_cursor}"' if next_cursor else "null"
    items = ",".join([row[0] for row in rows])
    return json_response(f'{{"items":[{items}],"next_cursor":{following}}}'.encode(), ETag=tag)


def not_modified(tag: str) -> HttpResponse:
    return HttpResponse(status=304, headers={"ETag": tag})


def results_response(found: Sequence[str]) -> HttpResponse:
    """The tasks of a batch from their JSON texts."""
    return json_response(f'{{"results":[{",".join(found)}]}}'.encode())
