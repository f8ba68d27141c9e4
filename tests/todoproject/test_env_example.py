"""`.env.example` is the list of all variables, with the meaning and the default that the code gives them."""

import pytest
from dotenv import dotenv_values

from todoproject.env import BASE_DIR, Environment

EXAMPLE = BASE_DIR / ".env.example"


def test_the_example_lists_exactly_the_variables_that_are_read() -> None:
    assert list(dotenv_values(EXAMPLE)) == list(Environment.model_fields)


def test_the_example_shows_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Environment.model_fields:
        monkeypatch.delenv(name, raising=False)
    default = Environment()
    monkeypatch.setitem(Environment.model_config, "env_file", EXAMPLE)

    assert Environment() == default


def test_the_example_gives_each_variable_its_meaning() -> None:
    comment: list[str] = []
    meanings = {}
    for line in EXAMPLE.read_text().splitlines():
        if line.startswith("# "):
            comment.append(line.removeprefix("# "))
            continue
        if "=" in line:
            meanings[line.partition("=")[0]] = " ".join(comment)
        comment = []

    assert meanings == {name: field.description for name, field in Environment.model_fields.items()}
