"""Every exception on the API path → the problem that the client reads."""

import logging
from typing import Any

import ninja.errors
import psycopg
from django.http import Http404, HttpRequest

from authn.problems import Invalid, MalformedJSON, NotFound, Problem, Unavailable
from tasks.batches import locate

logger = logging.getLogger("todoproject.api")


def problem_from(error: Exception, request: HttpRequest) -> Problem:
    """The problem behind ``error``, kept on ``request``. What nobody expected is logged, and shows no details."""
    problem = _problem(error, request)
    request.problem = problem  # type: ignore[attr-defined]
    return problem


def _problem(error: Exception, request: HttpRequest) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, ninja.errors.ValidationError):
        return _invalid(error, request)
    if isinstance(error, ninja.errors.HttpError) and isinstance(error.__cause__, Problem):
        return error.__cause__  # Ninja wraps whatever the body parser raises
    if isinstance(error, Http404):
        return NotFound()
    if isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError)):
        logger.warning("database unavailable: %s", type(error).__name__)
        return Unavailable()
    request_id = getattr(request, "request_id", "-")
    logger.error("unexpected error: %s %s [%s]", request.method, request.path, request_id, exc_info=error)
    return Problem()


def _invalid(error: ninja.errors.ValidationError, request: HttpRequest) -> Problem:
    if not request.body and any(item["loc"][0] == "body" for item in error.errors):
        return MalformedJSON("The request body is empty. Send a JSON object.")
    located = [_item(item) for item in error.errors]
    problem = Invalid(errors=[item for item, _ in located])
    indexes = [index for _, index in located if index is not None]
    if indexes:
        problem.members["index"] = indexes[0]
    return problem


def _item(item: dict[str, Any]) -> tuple[dict[str, Any], int | None]:
    """One error in the contract's words, and the operation of a batch that it is in.

    Ninja puts the name of the handler's parameter behind "body".
    """
    source, *path = item["loc"]
    index = None
    if source == "body":
        path, index = locate(path[1:])
    message = item["msg"].removeprefix("Value error, ")
    return {"loc": [source, *path], "code": item["type"], "message": message}, index
