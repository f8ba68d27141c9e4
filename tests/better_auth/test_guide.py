"""docs/better-auth.md at its word: its configurations serve, its fetch wrapper works against them."""

import json
import os
import re
import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from pytest_django import Settings

from .conftest import SECRET, Api, NewDatabase
from .process import HERE, BetterAuth, free_port

GUIDE = HERE.parents[1] / "docs" / "better-auth.md"
Recipe = Callable[..., BetterAuth]


def snippet(title: str) -> str:
    """The guide's block of TypeScript that begins with the comment ``title``."""
    found: list[str] = re.findall(
        rf"^```ts\n(// {re.escape(title)}\n.+?)^```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL
    )
    assert len(found) == 1, f"{title}: {len(found)} snippets"
    return found[0]


@pytest.fixture
def module(node: None, tmp_path: Path) -> Callable[..., Path]:
    """Turn a snippet into a JavaScript module that finds the installed packages."""
    (tmp_path / "node_modules").symlink_to(HERE / "node_modules")

    def make(title: str, *options: str) -> Path:
        source = tmp_path / f"{re.sub(r'[^a-z]+', '-', title)}.mts"
        source.write_text(snippet(title))
        made = subprocess.run(
            ["node", HERE / "transpile.mjs", source, *options], capture_output=True, text=True, check=False
        )
        assert made.returncode == 0, made.stderr
        return source.with_suffix(".mjs")

    return make


@pytest.fixture
def recipe(module: Callable[..., Path], processes: ExitStack, log: Path) -> Recipe:
    """Serve a recipe of the guide, configured by nothing but the environment."""

    def start(title: str, database: dict[str, Any], port: int) -> BetterAuth:
        environment = {
            "BETTER_AUTH_URL": f"http://localhost:{port}",
            "BETTER_AUTH_SECRET": SECRET,
            "BETTER_AUTH_TELEMETRY": "0",
            "DATABASE_URL": address(database),
        }
        command = ["recipe.mjs", str(module(title)), str(port)]
        server = BetterAuth(command, environment, port, log)
        processes.callback(server.close)
        return server.start()

    return start


def address(database: dict[str, Any]) -> str:
    password = f":{quote(database['password'], safe='')}" if database["password"] else ""
    where = {name: database[name] for name in ("host", "port", "options")}
    return (
        f"postgresql://{quote(database['user'])}{password}@/{database['database']}?{urlencode(where, quote_via=quote)}"
    )


def test_the_published_keys_recipe(recipe: Recipe, new_database: NewDatabase, api: Api, settings: Settings) -> None:
    auth = recipe("auth.ts, published keys", new_database(), free_port())
    settings.BETTER_AUTH_URL = auth.url
    alice = auth.sign_up("Alice")

    assert api.get("/me", alice.token()).json()["id"] == alice.id


def test_the_shared_secret_recipe(recipe: Recipe, new_database: NewDatabase, api: Api, settings: Settings) -> None:
    auth = recipe("auth.ts, shared secret", new_database(), free_port())
    settings.BETTER_AUTH_SECRET = SECRET
    alice = auth.sign_up("Alice")

    assert api.get("/me", alice.token()).json()["id"] == alice.id


def test_the_migration_recipe_signs_nobody_out(
    recipe: Recipe, new_database: NewDatabase, api: Api, settings: Settings
) -> None:
    database, port = new_database(), free_port()
    before = recipe("auth.ts, shared secret", database, port)
    settings.BETTER_AUTH_SECRET, settings.BETTER_AUTH_URL = SECRET, before.url
    alice = before.sign_up("Alice")
    old = alice.token()
    before.stop()

    recipe("auth.ts, published keys", database, port)
    new = alice.token()

    assert [api.get("/me", token).json()["id"] for token in (old, new)] == [alice.id, alice.id]
    settings.BETTER_AUTH_SECRET = None
    assert api.get("/me", new).status_code == 200
    assert "algorithm is not accepted" in api.reason(old)


def test_the_fetch_wrapper(
    recipe: Recipe, module: Callable[..., Path], new_database: NewDatabase, api: Api, settings: Settings
) -> None:
    auth = recipe("auth.ts, published keys", new_database(), free_port())
    settings.BETTER_AUTH_URL = auth.url
    wrapper = module("api.ts", "check")

    driven = subprocess.run(
        ["node", HERE / "wrapper.mjs", wrapper],
        env={"PATH": os.environ["PATH"], "AUTH": auth.url, "API": api.url},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert driven.returncode == 0, driven.stderr
    assert json.loads(driven.stdout) == {
        "together": {"statuses": [200] * 8, "tokens": 1},
        "again": {"statuses": [200], "tokens": 0},
        "write": {"statuses": [201], "tokens": 0},
        "before the last minute": {"statuses": [200], "tokens": 0},
        "in the last minute": {"statuses": [200, 200], "tokens": 1},
        "refused once": {"statuses": [200, 200], "tokens": 1},
        "refused always": {"statuses": [401], "tokens": 1},
        "auth down": {"statuses": ["Error"], "tokens": 1},
        "auth up": {"statuses": [200], "tokens": 1},
        "signed out": {"statuses": ["SignedOut"], "tokens": 1},
    }
