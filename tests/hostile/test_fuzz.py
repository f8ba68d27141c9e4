"""Whatever a client sends where the API expects something of its own: a clear refusal, never a 5xx."""

from string import ascii_letters, digits
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.clients import User

fuzzed = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

ANY_TEXT = st.text(max_size=60)
BASE64 = st.text(ascii_letters + digits + "-_=", max_size=200)
# What a header may carry (RFC 9110, section 5.5), beyond what anybody sends.
HEADER = st.binary(max_size=60).map(lambda raw: bytes(byte for byte in raw if byte >= 0x20 and byte != 0x7F).strip())
TAGS = st.one_of(HEADER, st.lists(st.sampled_from([b'"1"', b'W/"1"', b"*", b'"', b",", b"1", b'""'])).map(b",".join))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | ANY_TEXT,
    lambda children: st.lists(children, max_size=4) | st.dictionaries(ANY_TEXT, children, max_size=4),
    max_leaves=12,
)


def refused(answer: httpx.Response) -> bool:
    return 400 <= answer.status_code < 500


@fuzzed
@given(token=ANY_TEXT | BASE64)
def test_an_invented_cursor_is_422(alice: User, token: str) -> None:
    answer = alice.get("/tasks", params={"cursor": token})

    assert (answer.status_code, answer.json()["code"]) in [(422, "invalid_cursor"), (422, "validation_error")]


@fuzzed
@given(token=ANY_TEXT | BASE64)
def test_an_invented_sync_token_is_422(alice: User, token: str) -> None:
    answer = alice.get("/tasks/changes", params={"since": token})

    assert (answer.status_code, answer.json()["code"]) in [(422, "invalid_cursor"), (422, "validation_error")]


@fuzzed
@given(position=st.integers(0, 500), flip=st.integers(1, 255))
def test_a_token_with_one_byte_changed_is_422(alice: User, position: int, flip: int) -> None:
    token = alice.get("/tasks/changes").json()["next"]
    at = position % len(token)
    changed = token[:at] + chr((ord(token[at]) ^ flip) % 128) + token[at + 1 :]

    answer = alice.get("/tasks/changes", params={"since": changed})

    assert answer.status_code == (200 if changed == token else 422)


@fuzzed
@given(tags=TAGS)
def test_any_precondition_is_understood_or_fails(alice: User, tags: bytes) -> None:
    task = alice.create_task()

    written = alice.put(f"/tasks/{task['id']}", json={"title": "changed"}, headers=[(b"If-Match", tags)])
    read = alice.get(f"/tasks/{task['id']}", headers=[(b"If-None-Match", tags)])
    listed = alice.get("/tasks?limit=1", headers=[(b"If-None-Match", tags)])

    assert written.status_code in (200, 412)
    assert read.status_code in (200, 304)
    assert listed.status_code in (200, 304)


@fuzzed
@given(key=HEADER)
def test_any_idempotency_key_is_taken_or_refused(alice: User, key: bytes) -> None:
    answer = alice.post("/tasks", json={"title": "once"}, headers=[(b"Idempotency-Key", key)])

    valid = 1 <= len(key) <= 255 and all(0x21 <= byte <= 0x7E for byte in key)
    assert answer.status_code == (201 if valid else 422)


@fuzzed
@given(text=ANY_TEXT)
def test_any_identifier_that_is_none_is_missing(alice: User, text: str) -> None:
    segment = quote(text, safe="")

    answers = [alice.request(method, f"/tasks/x{segment}") for method in ("GET", "DELETE")]

    assert all(answer.status_code in (404, 405, 400) for answer in answers)


@fuzzed
@given(q=ANY_TEXT)
def test_any_search_is_answered(alice: User, q: str) -> None:
    answer = alice.get("/tasks", params={"q": q})

    assert answer.status_code == (422 if "\0" in q else 200)


@fuzzed
@given(name=ANY_TEXT, value=ANY_TEXT)
def test_any_query_parameter_is_known_or_refused(alice: User, name: str, value: str) -> None:
    known = {"limit", "completed", "q", "trashed", "sort", "cursor"}

    answer = alice.get("/tasks", params={name: value})

    assert refused(answer) or name in known


@fuzzed
@given(body=JSON)
def test_any_json_is_a_task_or_refused(alice: User, body: Any) -> None:
    for method, path in (("POST", "/tasks"), ("POST", "/tasks/batch"), ("DELETE", "/me")):
        answer = alice.request(method, path, json=body)

        assert refused(answer) or (answer.status_code == 201 and set(body) <= {"title", "description", "completed"})


@fuzzed
@given(title=st.text(st.characters(codec="utf-8"), min_size=1, max_size=200), description=st.text(max_size=300))
def test_any_text_comes_back_as_it_was_sent(alice: User, title: str, description: str) -> None:
    answer = alice.post("/tasks", json={"title": title, "description": description})

    if answer.status_code == 201:
        # Titles are trimmed of Unicode White_Space, which Python's strip() exceeds by U+001C to U+001F.
        assert answer.json()["title"].strip() == title.strip()
        assert answer.json()["description"] == description
    else:
        assert answer.status_code == 422
        assert "\0" in title + description or not title.strip() or any("\ud800" <= c <= "\udfff" for c in description)


@fuzzed
@given(value=HEADER)
def test_any_authorization_is_refused_with_401(alice: User, value: bytes) -> None:
    answer = httpx.get(f"{alice.base_url}tasks", headers=[(b"Authorization", value)])

    assert answer.status_code == 401


@pytest.mark.parametrize(
    "text",
    [
        "\u202eright to left\u202c",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467",
        "e\u0301 \u00e9",
        "\ufeffmark",
        "\u0130\u0131\u00df\ufb01",
        "a" + "\u0301" * 199,
        "\U0010ffff\ufffe\uffff",
    ],
)
def test_strange_text_is_kept_and_listed_by_every_sort(alice: User, text: str) -> None:
    task = alice.create_task(text, description=text)

    assert (task["title"], task["description"]) == (text, text)
    for sort in ("created_at", "-updated_at", "title", "-title"):
        assert alice.titles(sort=sort) == [text]
    assert alice.tasks(q=text)[0]["id"] == task["id"]
