"""Every response that the suite sees is held against the contract."""

import json
import re
from functools import cache
from typing import Any

import httpx
import jsonschema_rs
import orjson

PROBLEM = "#/components/schemas/Problem"
NO_BODY = (204, 304)
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


class ContractBroken(AssertionError):
    """A response that the contract does not describe."""


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document as it is served; a test keeps openapi.json equal to it."""
    from todoproject.api import api

    loaded: dict[str, Any] = json.loads(orjson.dumps(api.get_openapi_schema(), option=orjson.OPT_NON_STR_KEYS))
    return loaded


@cache
def _paths() -> list[tuple[re.Pattern[str], str]]:
    """Path patterns, the ones without parameters first."""
    found = sorted(document()["paths"], key=lambda path: path.count("{"))
    return [(re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), path) for path in found]


def _operation(method: str, path: str) -> dict[str, Any] | None:
    name = "get" if method == "HEAD" else method.lower()
    for pattern, template in _paths():
        if pattern.fullmatch(path):
            operation: dict[str, Any] | None = document()["paths"][template].get(name)
            return operation
    return None


@cache
def _validator(schema: str) -> Any:
    rooted = {**json.loads(schema), "components": document()["components"]}
    return jsonschema_rs.Draft202012Validator(rooted, validate_formats=True)


def _hold(condition: object, response: httpx.Response, what: str) -> None:
    if not condition:
        request = response.request
        raise ContractBroken(f"{request.method} {request.url} → {response.status_code}: {what}\n{response.text[:2000]}")


def _documented(response: httpx.Response) -> dict[str, Any] | None:
    """What the contract says of this answer; None for a plain OPTIONS, an unknown path and an unknown method."""
    request, status = response.request, response.status_code
    operation = _operation(request.method, request.url.path)
    if operation is None:
        expected = {204: "OPTIONS", 200: "OPTIONS"}.get(status, request.method)
        _hold(status >= 400 or request.method == expected, response, "an undocumented call succeeds")
        return None
    _hold(str(status) in operation["responses"], response, "the status is not documented")
    documented: dict[str, Any] = operation["responses"][str(status)]
    return documented


def check(response: httpx.Response) -> None:
    """Raise `ContractBroken` unless the contract describes ``response`` (which has been read)."""
    path = response.request.url.path
    if not path.startswith("/api/"):
        return
    _check_headers(response)
    if path in ("/api/docs", "/api/openapi.json") and response.status_code == 200:
        return
    documented = _documented(response)
    if response.request.method == "HEAD" or response.status_code in NO_BODY or _is_preflight(response):
        _hold(not response.content, response, "there is a body")
        return
    kind = response.headers.get("content-type", "").partition(";")[0]
    if documented is None:
        documented = {"content": {"application/problem+json": {"schema": {"$ref": PROBLEM}}}}
    _hold(kind in documented.get("content", {}), response, f"{kind!r} is not a documented content type")
    validator = _validator(json.dumps(documented["content"][kind]["schema"], sort_keys=True))
    errors = [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(response.json())]
    _hold(not errors, response, "; ".join(errors))
    if response.status_code >= 400:
        _check_problem(response)


def _is_preflight(response: httpx.Response) -> bool:
    return response.request.method == "OPTIONS" and response.is_success


def _check_headers(response: httpx.Response) -> None:
    headers = response.headers
    _hold(REQUEST_ID.fullmatch(headers.get("x-request-id", "")), response, "X-Request-ID is missing")
    _hold(headers.get("x-content-type-options") == "nosniff", response, "X-Content-Type-Options is missing")
    _hold("origin" in headers.get("vary", "").lower(), response, "Vary: Origin is missing")
    caching = "private, no-cache" if "etag" in headers else "no-store"
    _hold(headers.get("cache-control") == caching, response, f"Cache-Control is not {caching}")


def _check_problem(response: httpx.Response) -> None:
    problem, request = response.json(), response.request
    _hold(problem["status"] == response.status_code, response, "the problem has another status")
    _hold(problem["instance"] == request.url.path, response, "the problem has another instance")
    _hold(problem["request_id"] == response.headers["x-request-id"], response, "the problem has another request_id")
    _hold(isinstance(problem["detail"], str) and problem["detail"], response, "detail is not a text")
    _hold((problem["status"] == 422) <= ("errors" in problem), response, "a 422 lists no errors")
