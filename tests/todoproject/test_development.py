"""`make run` makes a `.env` for a developer who has none, and not for a server that somebody has configured."""

from pathlib import Path

import pytest

from todoproject.development import write_environment

from .conftest import Checkout


def test_an_environment_file_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("BETTER_AUTH_SECRET=mine\n")

    written = write_environment(tmp_path / ".env", {})

    assert not written
    assert (tmp_path / ".env").read_text() == "BETTER_AUTH_SECRET=mine\n"


@pytest.mark.parametrize("value", ["false", "False", "0", "no", "off"])
def test_production_never_gets_generated_secrets(tmp_path: Path, value: str) -> None:
    written = write_environment(tmp_path / ".env", {"DJANGO_DEBUG": value})

    assert not written
    assert not (tmp_path / ".env").exists()


def test_generated_secrets_differ_and_are_long_enough(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_environment(tmp_path / name, {})

    values = [
        line for name in ("one", "two") for line in (tmp_path / name).read_text().splitlines() if "SECRET" in line
    ]

    assert len(set(values)) == 4
    assert all(len(value.partition("=")[2]) >= 64 for value in values)


@pytest.mark.parametrize("configured", [{"DJANGO_SECRET_KEY": "k" * 32}, {"TRUSTED_PROXIES": "10.0.0.1"}])
def test_what_somebody_configured_is_not_turned_into_a_development_server(
    tmp_path: Path, configured: dict[str, str]
) -> None:
    written = write_environment(tmp_path / ".env", configured)

    assert not written
    assert not (tmp_path / ".env").exists()


def test_a_server_that_lacks_a_variable_names_it(bare_checkout: Checkout) -> None:
    finished = bare_checkout.run("-m", "todoproject.serve", DJANGO_SECRET_KEY="k" * 32)

    assert finished.returncode == 3
    assert finished.stderr.startswith("BETTER_AUTH_SECRET is not set")
    assert not (bare_checkout.root / ".env").exists()


@pytest.mark.parametrize("given", [{"BETTER_AUTH_SECRET": "s" * 32}, {"BETTER_AUTH_URL": "http://localhost:3000"}])
def test_a_developer_may_name_their_better_auth_on_the_way(checkout: Checkout, given: dict[str, str]) -> None:
    with checkout.serve(**given).client() as client:
        assert client.get("/health/live").status_code == 200

    assert "DJANGO_SECRET_KEY=" in (checkout.root / ".env").read_text()


def test_where_nothing_can_be_written_there_is_no_file_and_no_traceback(tmp_path: Path) -> None:
    assert not write_environment(tmp_path / "missing" / ".env", {})
