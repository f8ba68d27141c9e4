"""The system checks of the token settings."""

import pytest
from pytest_django import Settings

from authn.checks_tokens import token_settings_work

from .token_tools import SECRET


@pytest.fixture(autouse=True)
def in_production(settings: Settings) -> None:
    settings.DEBUG = False
    settings.BETTER_AUTH_SECRET = SECRET
    for name in ("URL", "JWKS_URL", "ISSUER", "AUDIENCE"):
        setattr(settings, f"BETTER_AUTH_{name}", None)


def found() -> list[str]:
    problems = token_settings_work(None)
    assert all(problem.hint for problem in problems)
    return [str(problem.id) for problem in problems]


def test_a_random_secret_or_an_https_address_is_fine(settings: Settings) -> None:
    assert found() == []

    settings.BETTER_AUTH_SECRET = None
    settings.BETTER_AUTH_URL = "https://app.example.com"
    assert found() == []


def test_neither_secret_nor_address_is_an_error(settings: Settings) -> None:
    settings.BETTER_AUTH_SECRET = None

    assert found() == ["authn.E020"]


@pytest.mark.parametrize(
    "secret", ["short", "x" * 31, "-----BEGIN PUBLIC KEY-----\n" + "x" * 40 + "\n-----END PUBLIC KEY-----"]
)
def test_an_unusable_secret_is_an_error_that_does_not_show_it(settings: Settings, secret: str) -> None:
    settings.BETTER_AUTH_SECRET = secret

    assert found() == ["authn.E021"]
    assert secret not in str(token_settings_work(None))


@pytest.mark.parametrize(
    "secret",
    [
        "better-auth-secret-12345678901234567890",
        "your-super-secret-key-at-least-32-chars",
        "change-me-to-a-long-random-string-please",
        "CHANGEME-CHANGEME-CHANGEME-CHANGEME-1234",
        "replace-with-at-least-32-random-characters",
        "generate-a-long-random-secret-0123456789",
        "0" * 64,
        "abcabcabcabcabcabcabcabcabcabcabcabc",
    ],
)
def test_an_example_secret_is_an_error_in_production_and_a_warning_in_debug(settings: Settings, secret: str) -> None:
    settings.BETTER_AUTH_SECRET = secret

    assert found() == ["authn.E024"]
    assert secret not in str(token_settings_work(None))
    settings.DEBUG = True
    assert found() == ["authn.W024"]


@pytest.mark.parametrize("secret", [f"{SECRET}\n", f" {SECRET}"])
def test_white_space_around_the_secret_is_pointed_out(settings: Settings, secret: str) -> None:
    settings.BETTER_AUTH_SECRET = secret

    assert found() == ["authn.W025"]


def test_an_address_that_is_none_is_an_error(settings: Settings) -> None:
    settings.BETTER_AUTH_URL = "app.example.com"

    assert found() == ["authn.E022"]


@pytest.mark.parametrize("host", ["auth.example.com", "auth.example.com.", "8.8.8.8", "[2606:4700::1111]"])
def test_fetching_keys_without_tls_from_a_public_host_is_risky(settings: Settings, host: str) -> None:
    settings.BETTER_AUTH_URL = f"http://{host}"
    assert found() == ["authn.W023"]

    settings.BETTER_AUTH_JWKS_URL = "https://auth.example.com/keys"
    assert found() == []

    settings.BETTER_AUTH_JWKS_URL = None
    settings.DEBUG = True
    assert found() == []


@pytest.mark.parametrize(
    "host", ["localhost", "auth", "127.0.0.1", "[::1]", "10.1.2.3", "auth.internal", "auth.svc.cluster.local"]
)
def test_fetching_keys_without_tls_inside_a_private_network_is_not(settings: Settings, host: str) -> None:
    settings.BETTER_AUTH_URL = f"http://{host}:3000"

    assert found() == []


@pytest.mark.parametrize("name", ["BETTER_AUTH_ISSUER", "BETTER_AUTH_AUDIENCE"])
def test_a_slash_after_the_origin_is_pointed_out(settings: Settings, name: str) -> None:
    setattr(settings, name, "https://app.example.com/")

    assert found() == ["authn.W026"]
