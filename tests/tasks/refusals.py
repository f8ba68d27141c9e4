"""What every endpoint of the task API refuses, and how."""

import json
from typing import Any
from uuid import uuid4

import httpx

from tests.support.clients import Client, User

UNKNOWN = "01912d68-783e-7a36-b4c5-1d2f3a4b5c6d"
MALFORMED = (
    "1",
    "-1",
    "x",
    "not-a-uuid",
    UNKNOWN.replace("-", ""),
    "{" + UNKNOWN + "}",
    UNKNOWN + "0",
    UNKNOWN + "%0A",
    "%20" + UNKNOWN,
    "%00",
    "%F0%9F%90%98",
    "%E2%80%AE",
    "'%20OR%20''='",
    "%22",
    "%5Cud800",
    "0" * 2000,
    "٠" * 36,
)

NOT_JSON = (
    b"",
    b" ",
    b"{",
    b"}",
    b"nul",
    b"{'title': 'x'}",
    b'{"title": "x",}',
    b'{"title": "x"} {}',
    b'{"title": NaN}',
    b'{"title": "x", "completed": Infinity}',
    b"NaN",
    b"-Infinity",
    b'{"title": "\xff"}',
    b'{"title": "\xed\xa0\x80"}',
    b'{"title": "a\nb"}',
    b'{"title": "\\x"}',
    b'{"title": 01}',
    b"[" * 100_000,
    '{"title": "x"}'.encode("utf-16"),
)
NOT_AN_OBJECT = (b"[]", b'[{"title": "x"}]', b'"title"', b"1", b"null", b"true", b'"\\ud800"', b'["\\ud800"]')

SURROGATE = "\ud83d"
BAD_TITLES: tuple[Any, ...] = (
    None,
    1,
    True,
    ["x"],
    {"x": 1},
    "",
    " ",
    "\t\n\x0b\x0c\r\x1f"[:5],
    "\u00a0\u1680\u2003\u2028\u3000\u0085",
    "x" * 201,
    "🐘" * 201,
    "a\0b",
    "\0",
    SURROGATE,
    "a" + SURROGATE,
)
BAD_DESCRIPTIONS: tuple[Any, ...] = (
    1,
    False,
    ["x"],
    {},
    "x" * 10_001,
    "🐘" * 10_001,
    "a\0b",
    "\udc00",
    SURROGATE + "x",
)
BAD_COMPLETED: tuple[Any, ...] = ("true", "false", 1, 0, "1", "", [], {}, 1.0)
UNKNOWN_FIELDS = ("user_id", "user", "id", "revision", "created_at", "completed_at", "deleted_at", "Title", "")


def bad_fields(*, absent_title: bool = True) -> list[tuple[dict[str, Any], list[str]]]:
    """Bodies with bad fields, and these fields' names."""
    fine = {"title": "x"} if absent_title else {}
    found: list[tuple[dict[str, Any], list[str]]] = [({}, ["title"])] if absent_title else []
    found += [({"title": value}, ["title"]) for value in BAD_TITLES]
    found += [({**fine, "description": value}, ["description"]) for value in BAD_DESCRIPTIONS]
    found += [({**fine, "completed": value}, ["completed"]) for value in (*BAD_COMPLETED, None)]
    found += [({**fine, name: "x"}, [name]) for name in UNKNOWN_FIELDS]
    found += [
        ({**fine, SURROGATE: "x"}, []),  # a name that no answer can repeat
        ({"title": 1, "description": 2, "completed": 3, "x": 4}, ["completed", "description", "title", "x"]),
        ({"title": SURROGATE, "description": "\0", "completed": None}, ["completed", "description", "title"]),
    ]
    return found


def send_json(client: Client, method: str, path: str, value: Any, **headers: str) -> httpx.Response:
    """Send any value at all, lone surrogates as the escapes that JSON has for them."""
    return client.request(
        method, path, content=json.dumps(value).encode(), headers={"Content-Type": "application/json", **headers}
    )


def bad_locations(response: httpx.Response) -> list[list[Any]]:
    assert response.status_code == 422, response.text
    assert response.json()["code"] == "validation_error"
    return sorted(error["loc"] for error in response.json()["errors"])


def assert_names_bad_fields(user: User, method: str, path: str, *, absent_title: bool = True) -> None:
    for body, names in bad_fields(absent_title=absent_title):
        response = send_json(user, method, path, body)
        assert bad_locations(response) == ([["body", name] for name in names] or [["body"]]), body


def assert_code(response: httpx.Response, status: int, code: str) -> None:
    assert (response.status_code, response.json()["code"]) == (status, code), response.text


def assert_refuses_strangers(anonymous: Client, method: str, path: str, **kwargs: Any) -> None:
    """401 without a token, with a bad one and with another scheme; each says how to do it right."""
    missing = anonymous.request(method, path, **kwargs)
    assert_code(missing, 401, "not_authenticated")
    assert missing.headers["www-authenticate"] == "Bearer"
    other = anonymous.request(method, path, headers={"Authorization": "Basic YTpi"}, **kwargs)
    assert_code(other, 401, "not_authenticated")
    bad = anonymous.request(method, path, headers={"Authorization": "Bearer x.y.z"}, **kwargs)
    assert_code(bad, 401, "invalid_token")
    assert bad.headers["www-authenticate"].startswith("Bearer ")
    assert 'error="invalid_token"' in bad.headers["www-authenticate"]


def assert_refuses_bodies(user: User, method: str, path: str) -> None:
    """What is no JSON, no object or of another type never reaches the task."""
    for body in NOT_JSON:
        response = user.request(method, path, content=body, headers={"Content-Type": "application/json"})
        assert_code(response, 400, "malformed_json")
    for body in NOT_AN_OBJECT:
        response = user.request(method, path, content=body, headers={"Content-Type": "application/json"})
        assert bad_locations(response) == [["body"]]
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "*/*", "json"):
        response = user.request(method, path, content=b'{"title": "x"}', headers={"Content-Type": kind})
        assert_code(response, 415, "unsupported_media_type")
    latin = user.request(
        method, path, content=b'{"title": "x"}', headers={"Content-Type": "application/json; charset=latin-1"}
    )
    assert_code(latin, 415, "unsupported_media_type")


def assert_refuses_query(user: User, method: str, path: str, **kwargs: Any) -> None:
    response = user.request(method, path, params={"limit": "1", "x": "y"}, **kwargs)
    assert bad_locations(response) == [["query", "limit"], ["query", "x"]]


def comparable(response: httpx.Response) -> tuple[int, bytes, dict[str, str]]:
    """All of an answer but what names the request."""
    body, headers = response.content, dict(response.headers)
    if body:
        problem = response.json()
        body = body.replace(json.dumps(problem["instance"], ensure_ascii=False).encode(), b'"instance"')
        body = body.replace(problem["request_id"].encode(), b"request_id")
    for name in ("x-request-id", "date", "content-length", "ratelimit"):
        headers.pop(name, None)
    return response.status_code, body, headers


def assert_looks_missing(alice: User, bob: User, method: str, suffix: str = "", **kwargs: Any) -> None:
    """Another user's task, an unknown id, a malformed one and one's own trashed task: the same 404, byte for byte."""
    foreign, trashed = bob.create_task("bob's"), alice.create_task("alice's")
    alice.trash(trashed["id"])
    unknown = alice.request(method, f"/tasks/{UNKNOWN}{suffix}", **kwargs)
    assert unknown.status_code == 404
    if method != "HEAD":
        assert_code(unknown, 404, "not_found")
    for task_id in (foreign["id"], foreign["id"].upper(), trashed["id"], str(uuid4()), *MALFORMED):
        response = alice.request(method, f"/tasks/{task_id}{suffix}", **kwargs)
        assert comparable(response) == comparable(unknown), task_id
    assert bob.get_task(foreign["id"]) == foreign
