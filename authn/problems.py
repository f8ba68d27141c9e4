"""Errors a client can read: RFC 9457 problem details with a stable ``code``."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import orjson
from django.http import HttpResponse


class Problem(Exception):
    """An answer other than success. Raise a fresh one; it is rendered in one place, by `problem_response`."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Internal server error"
    default_detail: ClassVar[str] = "Something went wrong on our side."

    def __init__(
        self,
        detail: str = "",
        *,
        code: str = "",
        headers: Mapping[str, str] | None = None,
        errors: Sequence[Mapping[str, Any]] | None = None,
        **members: Any,
    ) -> None:
        self.detail = detail or self.default_detail
        self.problem_code = code or self.code
        self.headers = dict(headers or {})
        self.members: dict[str, Any] = dict(members)
        if errors is not None:
            self.members["errors"] = list(errors)
        super().__init__(self.detail)


class MalformedJSON(Problem):
    status, code, title = 400, "malformed_json", "Malformed JSON"
    default_detail = "The request body is not valid JSON. Send a JSON object."


class NotAuthenticated(Problem):
    status, code, title = 401, "not_authenticated", "Not authenticated"
    default_detail = "Send an access token: Authorization: Bearer <token>."

    def __init__(self, detail: str = "", **kwargs: Any) -> None:
        kwargs.setdefault("headers", {"WWW-Authenticate": "Bearer"})
        super().__init__(detail, **kwargs)


class InvalidToken(Problem):
    """RFC 6750, section 3.1. ``reason`` is the refusal's stable name, for metrics and for the developer."""

    status, code, title = 401, "invalid_token", "Invalid token"
    default_detail = "The access token is not valid."

    def __init__(self, detail: str = "", *, reason: str = "invalid", **kwargs: Any) -> None:
        self.reason = reason
        kwargs.setdefault("headers", {"WWW-Authenticate": 'Bearer error="invalid_token"'})
        super().__init__(detail, **kwargs)


class Forbidden(Problem):
    status, code, title = 403, "forbidden", "Forbidden"
    default_detail = "This account may not do that."


class NotFound(Problem):
    status, code, title = 404, "not_found", "Not found"
    default_detail = "There is nothing here."


class MethodNotAllowed(Problem):
    status, code, title = 405, "method_not_allowed", "Method not allowed"
    default_detail = "This path does not take that method."


class Conflict(Problem):
    status, code, title = 409, "conflict", "Conflict"
    default_detail = "The request conflicts with the current state."


class Gone(Problem):
    status, code, title = 410, "gone", "Gone"
    default_detail = "This is no longer available."


class PreconditionFailed(Problem):
    status, code, title = 412, "precondition_failed", "Precondition failed"
    default_detail = "It has changed since you read it. Read it again, then retry with its new ETag."


class PayloadTooLarge(Problem):
    status, code, title = 413, "payload_too_large", "Payload too large"
    default_detail = "The request body is over the limit of 1 MiB (1,048,576 bytes)."


class UnsupportedMediaType(Problem):
    status, code, title = 415, "unsupported_media_type", "Unsupported media type"
    default_detail = "Send the body as application/json in UTF-8."


class Invalid(Problem):
    status, code, title = 422, "validation_error", "Validation error"
    default_detail = "The request has invalid values."


class PreconditionRequired(Problem):
    status, code, title = 428, "precondition_required", "Precondition required"
    default_detail = 'Send If-Match with the ETag that you read, or If-Match: "*" to write whatever is there.'


class RateLimited(Problem):
    status, code, title = 429, "rate_limited", "Too many requests"
    default_detail = "Too many requests. Wait for the seconds in Retry-After, then try again."


class Unavailable(Problem):
    status, code, title = 503, "unavailable", "Service unavailable"
    default_detail = "The service cannot answer right now. Try again in a moment."

    def __init__(self, detail: str = "", *, retry_after: int = 1, **kwargs: Any) -> None:
        kwargs.setdefault("headers", {"Retry-After": str(retry_after)})
        super().__init__(detail, **kwargs)


def problem_response(problem: Problem, *, instance: str, request_id: str) -> HttpResponse:
    """Render ``problem`` as application/problem+json (RFC 9457, section 3)."""
    body = {
        "type": "about:blank",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.problem_code,
        "instance": instance,
        "request_id": request_id,
        **problem.members,
    }
    return HttpResponse(
        orjson.dumps(body), status=problem.status, content_type="application/problem+json", headers=problem.headers
    )
