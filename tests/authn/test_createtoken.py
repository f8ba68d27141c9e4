"""`createtoken` prints a token the API accepts, where that is harmless."""

import time
from io import StringIO

import jwt
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from pytest_django import Settings

from authn.jws import parse_token
from authn.token_settings import token_settings
from authn.tokens import Claims, verify_token
from authn.verifier import configured_secret

from .token_tools import SECRET


@pytest.fixture(autouse=True)
def a_development_machine(settings: Settings) -> None:
    settings.DEBUG = True
    settings.BETTER_AUTH_SECRET = SECRET
    for name in ("URL", "JWKS_URL", "ISSUER", "AUDIENCE"):
        setattr(settings, f"BETTER_AUTH_{name}", None)


def createtoken(*arguments: str) -> str:
    output = StringIO()
    call_command("createtoken", *arguments, stdout=output)
    return output.getvalue()


def accepted(token: str) -> Claims:
    configured = token_settings()
    secret = configured_secret(configured)
    assert secret is not None
    return verify_token(parse_token(token), secret, configured.policy)


def test_only_the_token_is_printed_and_the_api_accepts_it() -> None:
    printed = createtoken("alice", "--email", "alice@example.com", "--name", "Alice", "--ttl", "60")

    claims = accepted(printed.removesuffix("\n"))

    assert (claims.subject, claims.email, claims.name) == ("alice", "alice@example.com", "Alice")
    assert 50 < claims.expires_at - time.time() <= 60


def test_an_hour_is_the_default_and_nothing_unasked_is_claimed() -> None:
    payload = jwt.decode(createtoken("alice").strip(), SECRET, algorithms=["HS256"])

    assert payload.keys() == {"sub", "iat", "exp"}
    assert payload["exp"] - payload["iat"] == 3600


def test_issuer_and_audience_are_those_the_api_expects(settings: Settings) -> None:
    settings.BETTER_AUTH_URL = "http://localhost:3000"
    settings.BETTER_AUTH_AUDIENCE = "api"

    token = createtoken("alice").strip()

    payload = jwt.decode(token, options={"verify_signature": False})
    assert (payload["iss"], payload["aud"], accepted(token).subject) == ("http://localhost:3000", "api", "alice")


@pytest.mark.parametrize("subject", ["", "x" * 256, "a\0b", "\ud800"])
def test_a_subject_the_api_refuses_is_refused_here(subject: str) -> None:
    with pytest.raises(CommandError, match="would refuse this token"):
        createtoken(subject)


@pytest.mark.parametrize("ttl", ["0", "-5", "1.5", "soon", "", "²"])
def test_a_lifetime_is_a_whole_number_of_seconds(ttl: str) -> None:
    with pytest.raises(CommandError, match="whole number of seconds"):
        createtoken("alice", f"--ttl={ttl}")


def test_outside_debug_it_wants_force(settings: Settings) -> None:
    settings.DEBUG = False

    with pytest.raises(CommandError, match="--force"):
        createtoken("alice")
    assert accepted(createtoken("alice", "--force").strip()).subject == "alice"


def test_without_the_secret_there_is_nothing_to_sign_with(settings: Settings) -> None:
    settings.BETTER_AUTH_SECRET = None

    with pytest.raises(CommandError, match="BETTER_AUTH_SECRET, which is not set"):
        createtoken("alice")


def test_an_unusable_secret_is_named_and_not_shown(settings: Settings) -> None:
    settings.BETTER_AUTH_SECRET = "too-short"

    with pytest.raises(ImproperlyConfigured, match="BETTER_AUTH_SECRET cannot be used: it is 9 bytes") as caught:
        createtoken("alice")
    assert "too-short" not in str(caught.value)
