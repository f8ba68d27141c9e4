"""A contestant that answers wrongly ends the run instead of being measured."""

import json

import pytest

from bench.check import check, check_refusal
from bench.contestants import CONTESTANTS
from bench.places import BenchError
from bench.plan import CALLS

FASTAPI = CONTESTANTS["fastapi"]
TASK = dict.fromkeys(("id", "title", "description", "completed", "created_at", "updated_at"), "x")


def page(rows: int) -> str:
    return json.dumps({"items": [TASK] * rows, "next_cursor": None})


def test_a_right_page_passes() -> None:
    check(FASTAPI, CALLS["list"], 200, page(20))


def test_a_wrong_row_count_ends_the_run() -> None:
    with pytest.raises(BenchError, match=r"FastAPI \+ SQLModel answered list with 19 tasks instead of 20"):
        check(FASTAPI, CALLS["list"], 200, page(19))


def test_a_wrong_status_ends_the_run() -> None:
    with pytest.raises(BenchError, match="answered create with 500 instead of 201: oh no"):
        check(FASTAPI, CALLS["create"], 500, "oh no")


def test_a_missing_field_ends_the_run() -> None:
    body = json.dumps({**{name: value for name, value in TASK.items() if name != "updated_at"}})

    with pytest.raises(BenchError, match="answered get without updated_at"):
        check(FASTAPI, CALLS["get"], 200, body)


def test_a_server_that_believes_a_forged_token_ends_the_run() -> None:
    with pytest.raises(BenchError, match="answered a forged token with 200 instead of 401"):
        check_refusal(FASTAPI, 200)
