"""The OpenAPI document: Ninja's, with what it cannot know of (error media type, headers, the problem schema, links)."""

from typing import Any

from authn import problems
from authn.problems import Problem

from .openapi_links import LINKS, link

DESCRIPTION = """A todo back end for front ends that sign users in with Better Auth.

Send `Authorization: Bearer <token>` with the token of Better Auth's `GET /api/auth/token`. Every answer concerns that
user's tasks only; whatever belongs to somebody else does not exist. Errors are `application/problem+json` (RFC 9457):
`code` is stable, `detail` is for people."""

PROBLEM_SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "description": "What went wrong (RFC 9457). `code` is stable; `errors` lists every bad value of a 422.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "code", "instance", "request_id"],
    "properties": {
        "type": {"type": "string", "examples": ["about:blank"]},
        "title": {"type": "string", "examples": ["Not found"]},
        "status": {"type": "integer", "examples": [404]},
        "detail": {"type": "string", "examples": ["There is no such task."]},
        "code": {"type": "string", "examples": ["not_found"]},
        "instance": {"type": "string", "examples": ["/api/tasks/0193b5f2-7d3e-7c6a-9a41-3f0c2f4f8e11"]},
        "request_id": {"type": "string", "examples": ["4bf92f3577b34da6a3ce929d0e0e4736"]},
        "index": {"type": "integer", "description": "The operation of a batch that failed, counted from 0."},
        "errors": {"type": "array", "items": {"$ref": "#/components/schemas/ProblemItem"}},
    },
}
PROBLEM_ITEM_SCHEMA: dict[str, Any] = {
    "title": "ProblemItem",
    "type": "object",
    "required": ["loc", "code", "message"],
    "properties": {
        "loc": {
            "type": "array",
            "items": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
            "examples": [["body", "title"]],
        },
        "code": {"type": "string", "examples": ["string_too_short"]},
        "message": {"type": "string", "examples": ["String should have at least 1 character"]},
    },
}
HEADER = {"type": "string"}
KEY = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}
COMMON_HEADERS = {"X-Request-ID": {"description": "Names this request in the logs.", "schema": HEADER}}
ETAG = {"ETag": {"description": "The version of what is in the body (RFC 9110, section 8.8.3).", "schema": HEADER}}
CONDITIONAL_READS = {"listTasks", "getTask"}
CONDITIONAL_WRITES = {"replaceTask", "updateTask", "completeTask", "deleteTask", "restoreTask"}
IDEMPOTENT_POSTS = {"createTask", "batchTasks"}


def described(schema: dict[str, Any]) -> dict[str, Any]:
    """``schema`` with every error, header, precondition and link of the contract."""
    components = schema["components"]["schemas"]
    components["Problem"], components["ProblemItem"] = PROBLEM_SCHEMA, PROBLEM_ITEM_SCHEMA
    schema["components"]["links"] = LINKS
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            _describe(path, operation)
            link(operation)
    return schema


def _describe(path: str, operation: dict[str, Any]) -> None:
    name, responses = operation["operationId"], operation["responses"]
    for status, response in responses.items():
        response["headers"] = dict(COMMON_HEADERS)
        response["description"] = _OK.get(int(status), "OK")
        if "Task" in str(response.get("content", "")) and name not in ("listChanges", "batchTasks"):
            response["headers"] |= ETAG
    if name == "createTask":
        location = {"description": "The path of the new task.", "schema": HEADER}
        responses[201]["headers"] |= {"Location": location}
    if name in CONDITIONAL_READS:
        responses[304] = {"description": "Not modified since the ETag in If-None-Match.", "headers": ETAG}
        _header(operation, "If-None-Match", "Answer 304 when the ETag is still this one.")
    if name in CONDITIONAL_WRITES:
        _header(operation, "If-Match", "Write only if the task's ETag is this one, else 412.")
    if name in IDEMPOTENT_POSTS:
        _header(operation, "Idempotency-Key", "A repeated call with this key gets the first answer again.", KEY)
    for problem in _problems(path, operation):
        responses.setdefault(problem.status, _problem_response(problem))


_OK = {200: "OK", 201: "Created", 204: "Done; no body."}


def _header(operation: dict[str, Any], name: str, description: str, schema: dict[str, Any] = HEADER) -> None:
    parameter = {"in": "header", "name": name, "required": False, "description": description, "schema": schema}
    operation.setdefault("parameters", []).append(parameter)


def _problems(path: str, operation: dict[str, Any]) -> list[type[Problem]]:
    """The errors that an operation can answer with."""
    name = operation["operationId"]
    found: list[type[Problem]] = [problems.Invalid, problems.Unavailable, problems.Problem]
    if path.startswith("/api/health/"):
        return found
    found += [problems.NotAuthenticated, problems.Forbidden, problems.RateLimited]
    if "{task_id}" in path or name == "batchTasks":
        found.append(problems.NotFound)
    if "requestBody" in operation:
        found += [problems.MalformedJSON, problems.PayloadTooLarge, problems.UnsupportedMediaType]
    if name in CONDITIONAL_WRITES:
        found += [problems.PreconditionFailed, problems.PreconditionRequired]
    if name == "batchTasks":
        found.append(problems.PreconditionFailed)
    if name in IDEMPOTENT_POSTS | {"restoreTask", "deleteTask"}:
        found.append(problems.Conflict)
    if name == "listChanges":
        found.append(problems.Gone)
    return found


def _problem_response(problem: type[Problem]) -> dict[str, Any]:
    response: dict[str, Any] = {
        "description": f"{problem.title}. {problem.default_detail}",
        "headers": dict(COMMON_HEADERS),
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    if problem.status in (429, 503):
        response["headers"]["Retry-After"] = {"description": "Seconds to wait.", "schema": {"type": "integer"}}
    if problem.status == 401:
        response["headers"]["WWW-Authenticate"] = {"description": "RFC 6750, section 3.", "schema": HEADER}
    return response
