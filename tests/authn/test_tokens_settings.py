"""What the BETTER_AUTH_* settings mean when some of them are left out."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from authn.token_settings import token_settings

from .token_tools import SECRET


@pytest.fixture(autouse=True)
def only_these_settings(settings: Settings) -> None:
    for name in ("SECRET", "URL", "JWKS_URL", "ISSUER", "AUDIENCE"):
        setattr(settings, f"BETTER_AUTH_{name}", None)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://app.example.com", "https://app.example.com"),
        ("https://app.example.com/", "https://app.example.com"),
        ("HTTPS://App.Example.COM:443/api/auth?x=1#y", "https://app.example.com"),
        ("http://app.example.com:80", "http://app.example.com"),
        ("http://localhost:3000/api/auth", "http://localhost:3000"),
        ("https://app.example.com:8443", "https://app.example.com:8443"),
        ("https://app.example.com:80", "https://app.example.com:80"),
        ("http://[::1]:3000/x", "http://[::1]:3000"),
        ("http://[::1]", "http://[::1]"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("https://user:password@app.example.com/x", "https://app.example.com"),
    ],
)
def test_everything_follows_from_the_origin_of_the_url(settings: Settings, url: str, origin: str) -> None:
    settings.BETTER_AUTH_URL = url

    found = token_settings()

    assert (found.policy.issuer, found.policy.audience) == (origin, origin)
    assert found.jwks_url == f"{origin}/api/auth/jwks"


def test_each_default_can_be_replaced(settings: Settings) -> None:
    settings.BETTER_AUTH_URL = "https://app.example.com"
    settings.BETTER_AUTH_JWKS_URL = "http://auth:3000/keys"
    settings.BETTER_AUTH_AUDIENCE = "api"

    found = token_settings()

    assert found.jwks_url == "http://auth:3000/keys"
    assert (found.policy.issuer, found.policy.audience) == ("https://app.example.com", "api")


def test_an_address_of_keys_alone_is_taken_for_the_address_of_the_issuer(settings: Settings) -> None:
    settings.BETTER_AUTH_JWKS_URL = "https://app.example.com/api/auth/jwks"

    assert token_settings().policy.issuer == "https://app.example.com"


def test_empty_is_unset(settings: Settings) -> None:
    settings.BETTER_AUTH_SECRET = settings.BETTER_AUTH_URL = settings.BETTER_AUTH_ISSUER = ""

    found = token_settings()

    assert (found.secret, found.jwks_url, found.policy.issuer) == (None, None, None)


def test_missing_settings_are_unset(settings: Settings) -> None:
    del settings.BETTER_AUTH_SECRET

    assert token_settings().secret is None


@pytest.mark.parametrize("name", ["BETTER_AUTH_URL", "BETTER_AUTH_JWKS_URL"])
@pytest.mark.parametrize(
    "value", ["app.example.com", "ftp://app.example.com", "https://", "//app", "http://a b", "http://\0", "http://x:y"]
)
def test_an_address_that_is_none_is_named(settings: Settings, name: str, value: str) -> None:
    setattr(settings, name, value)

    with pytest.raises(ImproperlyConfigured, match=rf"^{name} "):
        token_settings()


def test_a_setting_that_is_no_text_is_named(settings: Settings) -> None:
    settings.BETTER_AUTH_ISSUER = ["https://app.example.com"]

    with pytest.raises(ImproperlyConfigured, match=r"^BETTER_AUTH_ISSUER must be text"):
        token_settings()


def test_the_secret_is_not_shown(settings: Settings) -> None:
    settings.BETTER_AUTH_SECRET = SECRET

    assert SECRET not in repr(token_settings())
