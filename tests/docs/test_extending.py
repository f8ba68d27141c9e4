"""docs/extending.md is run as it is printed."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from django.db import connection

from tests.admin.processes import database_url
from tests.operations.machines import free_port, until
from tests.support.clients import BETTER_AUTH_SECRET, mint
from todoproject.env import BASE_DIR

from .markdown import Block, section

PAGE = BASE_DIR / "docs" / "extending.md"
NOTE, ALONE = "A model of your own", "`authn` in another project"
LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "node_modules", "bench", "docs")


@pytest.fixture
def fresh_database(database: None) -> Iterator[str]:
    """The name of an empty database of the test server."""
    name = f"test_docs_{uuid4().hex[:12]}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    yield name
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def variables(fresh_database: str) -> dict[str, str]:
    """The environment of whoever follows the page."""
    params = connection.get_connection_params()
    named = {"PGHOST": "host", "PGPORT": "port", "PGUSER": "user", "PGPASSWORD": "password"}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("COV_", "PYTEST_"))}
    return {
        **inherited,
        **{variable: str(params[key]) for variable, key in named.items() if params.get(key)},
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PGDATABASE": fresh_database,
        "DATABASE_URL": database_url(fresh_database),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def follow(blocks: list[Block], root: Path, variables: dict[str, str]) -> str:
    """Write the files and run the commands in the order of the page; returns what the commands said."""
    said = ""
    for block in blocks:
        if block.file is not None:
            block.write(root)
            continue
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block.text],
            cwd=root,
            env=variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        said += done.stdout
    return said


def test_a_model_of_your_own_works_as_printed(tmp_path: Path, variables: dict[str, str]) -> None:
    root = tmp_path / "project"
    shutil.copytree(BASE_DIR, root, ignore=LEFT_OUT)

    said = follow(section(PAGE, NOTE), root, variables)

    assert "2 passed" in said
    assert "notes_note" in said.partition("isolation: row-level security is on for")[2].partition("\n")[0]


def test_a_model_of_your_own_takes_less_than_forty_lines() -> None:
    files = [block for block in section(PAGE, NOTE) if block.file is not None]

    assert {block.file for block in files} >= {"notes/models.py", "notes/api.py", "notes/admin.py"}
    assert sum(block.lines for block in files) < 40


def test_without_its_policy_the_project_does_not_start(tmp_path: Path, variables: dict[str, str]) -> None:
    root = tmp_path / "project"
    shutil.copytree(BASE_DIR, root, ignore=LEFT_OUT)
    blocks = section(PAGE, NOTE)
    isolating = next(number for number, block in enumerate(blocks) if "0002_isolate" in str(block.file))
    follow(blocks[:isolating], root, variables)

    refused = subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=root, env=variables, capture_output=True, text=True, check=False
    )

    assert refused.returncode == 1
    assert "authn.E001" in refused.stderr


@pytest.fixture
def diary(tmp_path: Path, variables: dict[str, str]) -> Iterator[str]:
    """The address of the project that the page makes of `authn` alone."""
    root = tmp_path / "alone"
    shutil.copytree(BASE_DIR / "authn", root / "authn", ignore=LEFT_OUT)
    variables |= {"DJANGO_SECRET_KEY": "d" * 40, "BETTER_AUTH_SECRET": BETTER_AUTH_SECRET}
    follow(section(PAGE, ALONE), root, variables)
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "--factory", "django.core.asgi:get_asgi_application", "--port", str(port)],
        cwd=root,
        env={**variables, "DJANGO_SETTINGS_MODULE": "diary.settings"},
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}/api"
    try:
        until(lambda: _answers(url), "the diary serves")
        yield url
    finally:
        server.terminate()
        server.wait(30)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/entries").status_code == 401
    except httpx.TransportError:
        return False


def test_authn_alone_works_as_printed(diary: str) -> None:
    alice, bob = ({"Authorization": f"Bearer {mint(name)}"} for name in ("alice", "bob"))

    made = httpx.post(f"{diary}/entries", json={"text": "Dear diary"}, headers=alice)

    assert made.status_code == 201
    assert httpx.get(f"{diary}/entries", headers=alice).json() == [{"text": "Dear diary"}]
    assert httpx.get(f"{diary}/entries", headers=bob).json() == []
    refused = httpx.get(f"{diary}/entries", headers={"Authorization": "Bearer nonsense"})
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["code"] == "invalid_token"
