"""What starts, what refuses to start and how it says so: real processes in a copy of the project."""

import os
import secrets
import signal
import socket
import stat
import sys
from pathlib import Path

import pytest

from todoproject.env import BASE_DIR

from .conftest import SECRETS, Checkout, await_serving

UNREACHABLE = "postgresql://u:not-to-be-shown@127.0.0.1:1/todo"
UVICORN = ("-m", "uvicorn", "todoproject.asgi:application", "--port", "0")
PRODUCTION = {name: secrets.token_hex(32) for name in SECRETS}


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line]


@pytest.mark.parametrize("command", [("manage.py", "migrate"), UVICORN, ("-m", "todoproject.serve")])
def test_production_without_secrets_names_each_missing_one(bare_checkout: Checkout, command: tuple[str, ...]) -> None:
    finished = bare_checkout.run(*command, DJANGO_DEBUG="false")

    assert finished.returncode != 0
    assert [line.split()[0] for line in lines(finished.stderr)] == ["DJANGO_SECRET_KEY", "BETTER_AUTH_SECRET"]
    assert not (bare_checkout.root / ".env").exists()


@pytest.mark.parametrize("command", [("manage.py", "migrate"), ("-m", "todoproject.serve")])
@pytest.mark.parametrize("url", [UNREACHABLE, "mysql://u:not-to-be-shown@db/todo"])
def test_a_database_that_cannot_be_used_is_one_sentence(checkout: Checkout, command: tuple[str, ...], url: str) -> None:
    finished = checkout.run(*command, DATABASE_URL=url, DATABASE_WAIT="0", DJANGO_DEBUG="true", **SECRETS)

    assert finished.returncode != 0
    assert "DATABASE_URL" in finished.stderr
    assert "Traceback" not in finished.stderr
    assert "not-to-be-shown" not in finished.stderr


def test_a_server_under_uvicorn_says_the_same(checkout: Checkout) -> None:
    finished = checkout.run(*UVICORN, DATABASE_URL=UNREACHABLE, DATABASE_WAIT="0", DJANGO_DEBUG="true", **SECRETS)

    assert finished.returncode != 0
    assert "The database cannot be used: check DATABASE_URL" in finished.stderr
    assert "Traceback" not in finished.stderr


@pytest.mark.parametrize("command", [("manage.py", "migrate"), ("-m", "todoproject.serve"), UVICORN])
def test_foreign_files_in_the_place_of_the_data_are_one_sentence(
    bare_checkout: Checkout, command: tuple[str, ...]
) -> None:
    foreign = bare_checkout.root / ".data" / "postgres"
    foreign.mkdir(parents=True)
    (foreign / "thesis.txt").write_text("ten years of work")

    finished = bare_checkout.run(*command, DJANGO_DEBUG="true", **SECRETS)

    assert finished.returncode != 0
    assert f"{foreign} is not a PostgreSQL data directory" in finished.stderr
    assert "Traceback" not in finished.stderr
    assert [path.name for path in foreign.iterdir()] == ["thesis.txt"]


def test_a_port_in_use_is_one_sentence(checkout: Checkout) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        finished = checkout.run("-m", "todoproject.serve", PORT=port)

    assert finished.returncode != 0
    assert lines(finished.stderr)[-1].startswith(f"Nothing can listen on HOST 127.0.0.1, PORT {port}")
    assert "Traceback" not in finished.stderr


def test_a_first_run_needs_nothing_and_tells_the_next_steps(bare_checkout: Checkout) -> None:
    serving = bare_checkout.serve()

    with serving.client() as client:
        ready = client.get("/health/ready")

    assert ready.status_code == 200
    for step in ("/api/docs", "createtoken alice", "/admin/", "createsuperuser"):
        assert step in serving.said


def test_a_first_run_writes_secrets_that_only_the_owner_reads(bare_checkout: Checkout) -> None:
    bare_checkout.serve().stop()

    path = bare_checkout.root / ".env"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "DJANGO_DEBUG=true" in path.read_text()


@pytest.mark.parametrize(
    ("number", "workers"),
    [(signal.SIGINT, "1"), (signal.SIGTERM, "1"), (signal.SIGHUP, "1"), (signal.SIGINT, "2"), (signal.SIGTERM, "2")],
)
def test_a_signal_stops_the_server_and_its_database(checkout: Checkout, number: int, workers: str) -> None:
    serving = checkout.serve(WORKERS=workers)

    code = serving.stop(number)

    assert code == 0
    assert checkout.cluster.postmaster() is None


def test_servers_that_start_together_on_nothing_all_serve(bare_checkout: Checkout) -> None:
    together = [bare_checkout.start() for _ in range(2)]
    for serving in together:
        await_serving(serving)

    answers = []
    for serving in together:
        with serving.client() as client:
            answers.append(client.get("/health/ready").status_code)

    assert answers == [200, 200]


def test_an_acknowledged_write_survives_the_kill_of_server_and_database(checkout: Checkout) -> None:
    serving = checkout.serve()
    token = checkout.run("manage.py", "createtoken", "alice").stdout.strip()
    with serving.client(token) as client:
        written = client.post("/tasks", json={"title": "Outlive a crash"})
        database = checkout.cluster.postmaster()
        assert database is not None
        os.kill(database.pid, signal.SIGKILL)
        serving.stop(signal.SIGKILL)

    with checkout.serve().client(token) as client:
        read = client.get(f"/tasks/{written.json()['id']}")

    assert written.status_code == 201
    assert read.json() == written.json()


def test_production_settings_pass_the_deployment_checks(checkout: Checkout) -> None:
    finished = checkout.run(
        *("manage.py", "check", "--deploy", "--fail-level", "WARNING"),
        **PRODUCTION,
        DJANGO_DEBUG="false",
        ALLOWED_HOSTS="api.example.com",
    )

    assert finished.returncode == 0, finished.stderr


def test_another_python_finds_the_virtual_environment(checkout: Checkout) -> None:
    (checkout.root / ".venv").symlink_to(Path(sys.prefix))

    finished = checkout.run("manage.py", "version", python=outside_python(), DJANGO_DEBUG="true")

    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.strip()


def test_without_a_virtual_environment_the_way_to_one_is_told(checkout: Checkout) -> None:
    finished = checkout.run("manage.py", "version", python=outside_python(), DJANGO_DEBUG="true")

    assert finished.returncode != 0
    assert finished.stderr.strip() == "Django is not installed: run `make setup` first."


def outside_python() -> str:
    """The interpreter that the virtual environment was made with, which has none of its packages."""
    return str(Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}")


def test_the_lock_files_hold_hashes_and_no_address_of_an_index() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = (BASE_DIR / name).read_text()

        assert "--hash=sha256:" in text
        assert "://" not in text
