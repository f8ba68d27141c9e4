"""The crafted tokens against the running API: always a 401, never a 500, never a pass."""

from collections.abc import Iterator

import httpx
import pytest
from pytest_django import Settings

from authn.verifier import reset_verifier
from tests.support.live_server import LiveServer

from .key_server import serving_thread
from .token_attacks import ATTACKS
from .token_tools import ORIGIN, PUBLISHED, SECRET, jwk, token

MOST_A_HEADER_HOLDS = 60_000


@pytest.fixture
def both_kinds_of_key(settings: Settings) -> Iterator[None]:
    with serving_thread() as publish:
        settings.BETTER_AUTH_SECRET = SECRET
        settings.BETTER_AUTH_URL = ORIGIN
        settings.BETTER_AUTH_JWKS_URL = f"{publish(*map(jwk, PUBLISHED))}/api/auth/jwks"
        settings.BETTER_AUTH_ISSUER = settings.BETTER_AUTH_AUDIENCE = None
        yield
    reset_verifier()


def sendable(text: str) -> bool:
    """Whether an HTTP client would send it: visible, in Latin-1, of a size that servers read."""
    return (
        text.strip() == text != ""
        and len(text) < MOST_A_HEADER_HOLDS
        and all(" " <= letter <= "\xff" for letter in text)
    )


@pytest.mark.usefixtures("both_kinds_of_key")
def test_no_crafted_token_passes_or_breaks_anything(server: LiveServer) -> None:
    tokens = {name: craft() for name, (_, craft) in ATTACKS.items()}
    answers = {}
    with httpx.Client(base_url=server.url, timeout=20) as client:

        def call(text: str) -> httpx.Response:
            return client.get("/api/me", headers={b"Authorization": f"Bearer {text}".encode("latin-1")})

        answers = {name: call(text) for name, text in tokens.items() if sendable(text)}
        valid = [call(token(algorithm)).status_code for algorithm in (*PUBLISHED, "HS256")]

    assert len(answers) > 60
    assert {name: answer.status_code for name, answer in answers.items() if answer.status_code != 401} == {}
    assert {answer.headers["WWW-Authenticate"].split(" ")[0] for answer in answers.values()} == {"Bearer"}
    assert valid == [200] * 6
