"""Settings, keys and cache together: which tokens this process accepts."""

import logging
from collections.abc import Iterator

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from authn import verifier as verifier_module
from authn.tokens import TokenError
from authn.verifier import get_verifier, key_set_status, reset_verifier, start, stop

from .key_server import KeyServer, key_server
from .token_tools import ABSENT, SECRET, claims, header, jwk, token

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def only_these_settings(settings: Settings) -> Iterator[None]:
    for name in ("SECRET", "URL", "JWKS_URL", "ISSUER", "AUDIENCE"):
        setattr(settings, f"BETTER_AUTH_{name}", None)
    yield
    reset_verifier()


def served_by(server: KeyServer, settings: Settings) -> str:
    """Point the settings at ``server``; returns its origin, the issuer and audience of good tokens."""
    settings.BETTER_AUTH_URL = f"http://127.0.0.1:{server.port}/api/auth"
    return f"http://127.0.0.1:{server.port}"


async def refusal(text: str) -> str:
    with pytest.raises(TokenError) as caught:
        await get_verifier().verify(text)
    return caught.value.code


async def test_a_shared_secret_token_is_accepted_with_the_secret_only(settings: Settings) -> None:
    assert await refusal(token("HS256")) == "algorithm_not_accepted"

    settings.BETTER_AUTH_SECRET = SECRET

    assert (await get_verifier().verify(token("HS256"))).subject == "alice"
    assert await refusal(token("EdDSA")) == "algorithm_not_accepted"


async def test_a_published_key_is_used_with_the_url_only(settings: Settings) -> None:
    async with key_server(jwk("EdDSA")) as server:
        origin = served_by(server, settings)
        body = claims(iss=origin, aud=origin)

        assert (await get_verifier().verify(token(body=body))).subject == "alice"
        assert await refusal(token("HS256", body=body)) == "algorithm_not_accepted"
        assert await refusal(token()) == "wrong_issuer"


async def test_both_kinds_work_side_by_side(settings: Settings) -> None:
    async with key_server(jwk("EdDSA"), jwk("RS256")) as server:
        origin = served_by(server, settings)
        settings.BETTER_AUTH_SECRET = SECRET
        body = claims(iss=origin, aud=origin)

        for algorithm in ("HS256", "EdDSA", "RS256"):
            assert (await get_verifier().verify(token(algorithm, body=body))).subject == "alice"
        bare = claims(iss=ABSENT, aud=ABSENT)
        assert (await get_verifier().verify(token("HS256", body=bare))).subject == "alice"
        assert await refusal(token("EdDSA", body=bare)) == "missing_claim"
        assert await refusal(token("HS256")) == "wrong_issuer"


async def test_issuer_audience_and_address_of_the_keys_can_each_be_set(settings: Settings) -> None:
    async with key_server(jwk("EdDSA")) as server:
        settings.BETTER_AUTH_JWKS_URL = f"http://127.0.0.1:{server.port}/keys?v=1"
        settings.BETTER_AUTH_ISSUER, settings.BETTER_AUTH_AUDIENCE = "the issuer", "the audience"

        claimed = await get_verifier().verify(token(body=claims(iss="the issuer", aud=["the audience"])))

        assert (claimed.subject, server.requests) == ("alice", ["/keys?v=1"])


async def test_a_repeated_token_is_verified_once(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.BETTER_AUTH_SECRET = SECRET
    made = token("HS256")
    assert get_verifier().verify_cached(made) is None

    first = await get_verifier().verify(made)
    monkeypatch.setattr(verifier_module, "parse_token", None)

    assert get_verifier().verify_cached(made) is first
    assert await get_verifier().verify(made) is first


async def test_a_refused_token_is_not_remembered(settings: Settings) -> None:
    settings.BETTER_AUTH_SECRET = SECRET
    made = token("HS256", body=claims(exp=1))
    await refusal(made)

    assert get_verifier().verify_cached(made) is None


async def test_a_remembered_token_dies_with_its_key(settings: Settings) -> None:
    async with key_server(jwk("EdDSA")) as server:
        origin = served_by(server, settings)
        made = token(body=claims(iss=origin, aud=origin))
        await get_verifier().verify(made)
        assert get_verifier().verify_cached(made) is not None
        server.keys = []

        assert await refusal(token(head=header("EdDSA", kid="new"))) == "unknown_key"

        assert get_verifier().verify_cached(made) is None
        assert await refusal(made) == "unknown_key"


async def test_the_log_knows_the_reason_and_a_tamed_kid_and_nothing_else(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    settings.BETTER_AUTH_SECRET = SECRET
    bad = token("HS256", head=header("HS256", kid="a\r\nINFO all is well\x1b[2J" + "k" * 200), body=claims(exp=1))

    assert await refusal(bad) == "expired"
    assert await refusal("no token at all") == "not_a_jwt"

    expired, opaque = caplog.messages
    assert expired.startswith("Token refused: code=expired kid='a\\r\\nINFO all is well\\x1b[2J")
    assert len(expired) < 140
    assert opaque == "Token refused: code=not_a_jwt kid=-"
    assert not any(part in caplog.text for part in [*bad.split("."), "alice", SECRET])


async def test_the_lifespan_keeps_the_keys_known_before_the_first_token(settings: Settings) -> None:
    async with key_server(jwk("EdDSA")) as server:
        origin = served_by(server, settings)

        await start()
        await start()
        await server.asked_times(1)
        # Joins the fetch under way.
        await get_verifier().verify(token(body=claims(iss=origin, aud=origin)))
        status = key_set_status()
        await stop()

        assert (status.configured, status.keys, status.last_error) == (True, 1, None)
        assert len(server.requests) == 1


async def test_without_published_keys_there_is_nothing_to_refresh(settings: Settings) -> None:
    settings.BETTER_AUTH_SECRET = SECRET

    await start()
    await stop()

    assert key_set_status().configured is False


async def test_stopping_before_starting_is_harmless() -> None:
    await stop()


@pytest.mark.parametrize("secret", ["short", "x" * 31])
async def test_an_unusable_secret_stops_the_start(settings: Settings, secret: str) -> None:
    settings.BETTER_AUTH_SECRET = secret

    with pytest.raises(ImproperlyConfigured, match="BETTER_AUTH_SECRET cannot be used: it is") as caught:
        await start()
    assert secret not in str(caught.value)


def test_other_settings_leave_the_verifier_alone(settings: Settings) -> None:
    settings.BETTER_AUTH_SECRET = SECRET
    verifier = get_verifier()

    settings.USE_TZ = True
    assert get_verifier() is verifier

    settings.BETTER_AUTH_ISSUER = "another"
    assert get_verifier() is not verifier
