import os
from pathlib import Path

import pytest

from todoproject import env
from todoproject.env import ConfigurationError, Environment

SECRETS = {"DJANGO_SECRET_KEY": "k" * 32, "BETTER_AUTH_SECRET": "s" * 32}
SECRET = "not-to-be-shown"


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Environment.model_fields:
        monkeypatch.delenv(name, raising=False)


def set_variables(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def dotenv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / ".env"
    monkeypatch.setitem(Environment.model_config, "env_file", path)
    return path


def messages() -> list[str]:
    with pytest.raises(ConfigurationError) as raised:
        env.read()
    return str(raised.value).splitlines()


def test_production_without_secrets_names_each_missing_one() -> None:
    lines = messages()

    assert [line.split()[0] for line in lines] == ["DJANGO_SECRET_KEY", "BETTER_AUTH_SECRET"]


def test_development_needs_no_variable_but_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    set_variables(monkeypatch, DJANGO_DEBUG="true")

    environment = env.read()

    assert environment.DJANGO_DEBUG
    assert environment.BETTER_AUTH_SECRET is None


def test_production_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    set_variables(monkeypatch, **SECRETS)

    assert env.read().DJANGO_DEBUG is False


@pytest.mark.parametrize("name", ["BETTER_AUTH_URL", "BETTER_AUTH_JWKS_URL"])
def test_a_key_set_stands_in_for_the_shared_secret(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    set_variables(monkeypatch, DJANGO_SECRET_KEY="k" * 32, **{name: "https://auth.example.com"})

    assert env.read().BETTER_AUTH_SECRET is None


def test_a_short_key_of_django_is_refused_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    set_variables(monkeypatch, **SECRETS | {"DJANGO_SECRET_KEY": SECRET})

    (line,) = messages()

    assert line.startswith("DJANGO_SECRET_KEY has fewer than 32 bytes")
    assert SECRET not in line


def test_a_secret_under_32_bytes_is_refused_without_showing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    set_variables(monkeypatch, DJANGO_DEBUG="true", BETTER_AUTH_SECRET=SECRET)

    (line,) = messages()

    assert line.startswith(f"BETTER_AUTH_SECRET has {len(SECRET)} bytes and needs at least 32")
    assert SECRET not in line


@pytest.mark.parametrize("secret", ["ä" * 16, " " * 32, "${HOME}-and-thirty-more-characters", "e" * 31 + "="])
def test_a_secret_is_used_exactly_as_it_is(monkeypatch: pytest.MonkeyPatch, secret: str) -> None:
    set_variables(monkeypatch, DJANGO_DEBUG="true", BETTER_AUTH_SECRET=secret)

    assert env.read().BETTER_AUTH_SECRET == secret


def test_a_secret_that_is_no_text_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    set_variables(monkeypatch, DJANGO_DEBUG="true", BETTER_AUTH_SECRET=os.fsdecode(b"\xff" * 40))

    (line,) = messages()

    assert line.startswith("BETTER_AUTH_SECRET is not valid UTF-8")


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch, dotenv: Path) -> None:
    dotenv.write_text("DJANGO_DEBUG=true\nPORT=9001\nWORKERS=3\n")
    set_variables(monkeypatch, PORT="9002")

    environment = env.read()

    assert (environment.PORT, environment.WORKERS) == (9002, 3)


def test_an_empty_variable_unsets_that_of_the_file(monkeypatch: pytest.MonkeyPatch, dotenv: Path) -> None:
    dotenv.write_text("DJANGO_DEBUG=true\nDATABASE_URL=postgresql://db/todo\n")
    set_variables(monkeypatch, DATABASE_URL="")

    assert env.read().DATABASE_URL is None


def test_values_of_the_file_are_taken_literally(dotenv: Path) -> None:
    dotenv.write_text("DJANGO_DEBUG=true\nBETTER_AUTH_SECRET='${HOME} # and thirty more characters'\n")

    assert env.read().BETTER_AUTH_SECRET == "${HOME} # and thirty more characters"


def test_a_file_that_is_no_text_is_told(dotenv: Path) -> None:
    dotenv.write_bytes(b"DJANGO_DEBUG=\xff\n")

    (line,) = messages()

    assert "cannot be read as UTF-8 text" in line


def test_other_names_in_the_file_are_ignored(dotenv: Path) -> None:
    dotenv.write_text("DJANGO_DEBUG=true\nNEXT_PUBLIC_COLOUR=blue\n")

    assert env.read().DJANGO_DEBUG


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("DJANGO_DEBUG", "maybe", "should be true or false"),
        ("PORT", "http", "should be a whole number"),
        ("PORT", "65536", "should be less than or equal to 65535"),
        ("WORKERS", "0", "should be greater than or equal to 1"),
        ("DATABASE_POOL_MAX", "0", "should be greater than or equal to 1"),
        ("DATABASE_POOL_MAX", "1.5", "should be a whole number"),
        ("DATABASE_WAIT", "long", "should be a number"),
        ("DATABASE_WAIT", "nan", "should be"),
        ("DATABASE_PREPARE", "2", "should be true or false"),
        ("TRASH_RETENTION_DAYS", "-1", "should be greater than or equal to 0"),
        ("BETTER_AUTH_URL", "auth.example.com", "is not a web address"),
        ("BETTER_AUTH_URL", "https://", "is not a web address"),
        ("BETTER_AUTH_URL", "https://host:port", "is not a web address"),
        ("BETTER_AUTH_JWKS_URL", "ftp://auth.example.com/jwks", "is not a web address"),
        ("CORS_ALLOWED_ORIGINS", "https://app.example.com/path", "which is not an origin"),
        ("CORS_ALLOWED_ORIGINS", "https://app.example.com,*", "which is not an origin"),
        ("CSRF_TRUSTED_ORIGINS", "admin.example.com", "which is not an origin"),
        ("REDIS_URL", "localhost:6379", "is not a Redis address"),
        ("TRUSTED_PROXIES", "10.0.0.0/8,proxy", "holds 'proxy', which is no address or network"),
        ("RATE_LIMIT_USER", "off", "is not a limit above zero"),
        ("RATE_LIMIT_USER", "0", "is not a limit above zero"),
        ("RATE_LIMIT_USER", "0/minute", "is not a limit above zero"),
        ("RATE_LIMIT_USER", "", "is not a limit above zero"),
        ("RATE_LIMIT_ANONYMOUS", "off", "is not a limit above zero"),
        ("RATE_LIMIT_ANONYMOUS", "", "is not a limit above zero"),
    ],
)
def test_a_wrong_value_is_one_sentence_that_names_its_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, problem: str
) -> None:
    set_variables(monkeypatch, DJANGO_DEBUG="true")
    set_variables(monkeypatch, **{name: value})

    (line,) = messages()

    assert line.startswith(f"{name} ")
    assert problem in line


def test_every_wrong_variable_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    set_variables(monkeypatch, DJANGO_DEBUG="true", PORT="x", RATE_LIMIT_USER="off", BETTER_AUTH_SECRET="short")

    assert {line.split()[0] for line in messages()} == {"PORT", "RATE_LIMIT_USER", "BETTER_AUTH_SECRET"}


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    set_variables(
        monkeypatch,
        DJANGO_DEBUG="true",
        ALLOWED_HOSTS="api.example.com, .example.org,",
        CORS_ALLOWED_ORIGINS="https://app.example.com,http://localhost:3000",
        TRUSTED_PROXIES="10.0.0.0/8, ::1",
    )

    environment = env.read()

    assert environment.ALLOWED_HOSTS == ["api.example.com", ".example.org"]
    assert environment.CORS_ALLOWED_ORIGINS == ["https://app.example.com", "http://localhost:3000"]
    assert environment.TRUSTED_PROXIES == ["10.0.0.0/8", "::1"]
