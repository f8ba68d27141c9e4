"""Keys that change, vanish or cannot be fetched while tokens keep coming."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from authn import jwks as jwks_module
from authn.tokens import KeysUnavailable, TokenError
from authn.verifier import get_verifier, reset_verifier, stop

from .key_server import KeyServer, key_server
from .key_set import DOWN
from .token_tools import SECRET, claims, header, jwk, segment, signed, token

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


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256"])
async def test_another_key_under_the_same_kid_is_accepted_after_one_fetch(settings: Settings, algorithm: str) -> None:
    async with key_server(jwk("EdDSA", "1")) as server:
        origin = served_by(server, settings)
        body = claims(iss=origin, aud=origin)
        await get_verifier().verify(token(head=header("EdDSA", kid="1"), body=body))
        server.keys = [jwk(algorithm, "1", number=2)]
        remade = signed(f"{segment(header(algorithm, kid='1'))}.{segment(body)}", algorithm, 2)

        assert (await get_verifier().verify(remade)).subject == "alice"
        assert len(server.requests) == 2


async def test_a_forged_signature_causes_one_fetch_and_stays_refused(settings: Settings) -> None:
    async with key_server(jwk("EdDSA")) as server:
        origin = served_by(server, settings)
        body = claims(iss=origin, aud=origin)
        await get_verifier().verify(token(body=body))
        forged = signed(f"{segment(header('EdDSA'))}.{segment(body)}", "EdDSA", 2)

        codes = [await refusal(forged) for _ in range(20)]

        assert (set(codes), len(server.requests)) == ({"bad_signature"}, 2)


async def test_old_keys_are_refreshed_by_use_where_nobody_runs_the_lifespan(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with key_server(jwk("EdDSA")) as server:
        origin = served_by(server, settings)
        await get_verifier().verify(token(body=claims(iss=origin, aud=origin)))
        monkeypatch.setattr(jwks_module, "REFRESH_SECONDS", 0.0)
        monkeypatch.setattr(jwks_module, "RETRY_SECONDS", 0.0)

        assert await refusal(token(body=claims(iss=origin, aud=origin, exp=1))) == "expired"

        await server.asked_times(2)
        await stop()


async def test_a_bad_claim_under_a_known_key_causes_no_fetch(settings: Settings) -> None:
    async with key_server(jwk("EdDSA")) as server:
        origin = served_by(server, settings)
        await get_verifier().verify(token(body=claims(iss=origin, aud=origin)))

        assert await refusal(token(body=claims(iss=origin, aud=origin, exp=1))) == "expired"
        assert len(server.requests) == 1


async def test_an_outage_is_not_logged_for_every_token(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    async with key_server() as server:
        served_by(server, settings)
        server.behaviour = DOWN

        for _ in range(20):
            with pytest.raises(KeysUnavailable):
                await get_verifier().verify(token())

    assert [record.levelname for record in caplog.records if record.name.startswith("authn")] == ["WARNING"]


async def test_an_outage_leaves_known_keys_and_the_secret_alone(settings: Settings) -> None:
    async with key_server(jwk("EdDSA")) as server:
        origin = served_by(server, settings)
        settings.BETTER_AUTH_SECRET = SECRET
        body = claims(iss=origin, aud=origin)
        await get_verifier().verify(token(body=body))
        server.behaviour = DOWN

        with pytest.raises(KeysUnavailable):
            await get_verifier().verify(token("ES256", body=body))

        assert (await get_verifier().verify(token(body=claims(iss=origin, aud=origin, sub="bob")))).subject == "bob"
        assert (await get_verifier().verify(token("HS256", body=body))).subject == "alice"
