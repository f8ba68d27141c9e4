"""Who waits for keys, and how often they are fetched. Real fetches from a real socket."""

import asyncio
import json

import pytest

from authn.token_errors import KeysUnavailable, TokenError

from .key_server import Behaviour, KeyServer, answering
from .key_set import DOWN, key_set
from .token_tools import jwk

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_the_first_token_fetches_its_key_and_the_next_ones_do_not() -> None:
    async with key_set(jwk("EdDSA"), jwk("ES256")) as case:
        assert (await case.get("EdDSA-1")).algorithm == "EdDSA"
        assert (await case.get("ES256-1")).algorithm == "ES256"
        assert case.server.requests == ["/api/auth/jwks"]


async def test_a_known_key_never_waits_while_an_unknown_one_does() -> None:
    async with key_set(jwk("EdDSA")) as case:
        await case.get()
        case.server.open.clear()
        waiting = asyncio.create_task(case.get("new"))
        await case.server.asked_times(2)

        assert case.keys.find("EdDSA-1", "EdDSA") is not None
        assert not waiting.done()

        case.server.open.set()
        with pytest.raises(TokenError):
            await waiting


async def test_any_number_of_waiters_share_one_fetch() -> None:
    async with key_set(jwk("EdDSA")) as case:
        found = await asyncio.gather(*(case.get() for _ in range(200)))

        assert {key.kid for key in found} == {"EdDSA-1"}
        assert case.fetches == 1


async def test_a_fetch_outlives_the_caller_that_started_it() -> None:
    async with key_set(jwk("EdDSA")) as case:
        case.server.open.clear()
        first, second = asyncio.create_task(case.get()), asyncio.create_task(case.get())
        await case.server.asked_times(1)

        first.cancel()
        case.server.open.set()

        assert (await second).kid == "EdDSA-1"
        assert (first.cancelled(), case.fetches) == (True, 1)


async def test_a_rotated_key_is_fetched_at_once() -> None:
    async with key_set(jwk("EdDSA")) as case:
        await case.get()
        case.server.keys.append(jwk("EdDSA", number=2))

        assert (await case.get("EdDSA-2")).kid == "EdDSA-2"
        assert case.fetches == 2


async def test_a_key_published_during_somebody_elses_fetch_is_found() -> None:
    async with key_set(jwk("EdDSA")) as case:
        await case.get()
        case.server.open.clear()
        case.clock.now += 300
        case.keys.refresh_if_due()
        await case.server.asked_times(2)
        case.server.behaviour = published_just_too_late(case.server, jwk("EdDSA", number=2))

        waiting = asyncio.create_task(case.get("EdDSA-2"))
        await asyncio.sleep(0)
        case.server.open.set()

        assert (await waiting).kid == "EdDSA-2"
        assert case.fetches == 3


async def test_nobody_waits_for_more_than_two_fetches() -> None:
    async with key_set(jwk("EdDSA", "1")) as case:
        known = await case.get("1")
        case.server.open.clear()
        case.clock.now += 300
        case.keys.refresh_if_due()
        await case.server.asked_times(2)

        unknown = asyncio.create_task(case.refusal("new"))
        forged = asyncio.create_task(case.keys.replacement_for(known))
        await asyncio.sleep(0)
        case.server.open.set()

        assert (await unknown, await forged, case.fetches) == ("unknown_key", None, 3)


async def test_who_only_joined_the_fetches_of_others_may_come_back_at_once() -> None:
    async with key_set(jwk("EdDSA", "1")) as case:
        known = await case.get("1")
        case.server.behaviour = DOWN
        case.server.open.clear()
        case.clock.now += 300
        case.keys.refresh_if_due()
        await case.server.asked_times(2)

        forged = asyncio.create_task(case.keys.replacement_for(known))
        unknown = asyncio.create_task(case.keys.find_after_fetch("new", "EdDSA"))
        await asyncio.sleep(0)
        case.server.open.set()

        with pytest.raises(KeysUnavailable) as caught:
            await unknown
        assert (await forged, caught.value.retry_after, case.fetches) == (None, 1, 3)


def published_just_too_late(server: KeyServer, key: dict[str, object]) -> Behaviour:
    """One more answer without ``key``, then it is listed."""
    old = answering(json.dumps({"keys": server.keys}).encode())

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await old(reader, writer)
        server.behaviour = None
        server.keys.append(key)

    return behave


async def test_unknown_kids_cause_one_fetch_in_five_seconds_whatever_their_number() -> None:
    async with key_set(jwk("EdDSA")) as case:
        await case.get()

        codes = {await case.refusal(f"random-{number}") for number in range(300)}
        case.clock.now += 4.9
        codes.add(await case.refusal("one more"))

        assert (codes, case.fetches) == ({"unknown_key"}, 2)

        case.clock.now += 0.2
        await case.refusal("and another")
        assert case.fetches == 3


async def test_a_rotation_spends_the_fetch_of_its_five_seconds() -> None:
    async with key_set(jwk("EdDSA")) as case:
        await case.get()
        case.server.keys.append(jwk("EdDSA", number=2))
        await case.get("EdDSA-2")

        assert await case.refusal("random") == "unknown_key"
        assert case.fetches == 2


async def test_unknown_kids_from_the_start_cause_one_fetch_too() -> None:
    async with key_set(jwk("EdDSA")) as case:
        for number in range(50):
            await case.refusal(f"random-{number}")

        assert case.fetches == 1


async def test_an_unknown_kid_is_503_while_fetching_fails_and_401_after_a_good_fetch() -> None:
    async with key_set() as case:
        case.server.behaviour = DOWN
        with pytest.raises(KeysUnavailable) as caught:
            await case.get()
        assert caught.value.retry_after == 5
        case.clock.now += 3
        with pytest.raises(KeysUnavailable) as caught:
            await case.get()
        assert (caught.value.retry_after, case.fetches) == (2, 1)

        case.server.behaviour = None
        case.clock.now += 2

        assert await case.refusal("EdDSA-1") == "unknown_key"


async def test_the_service_recovers_without_a_restart() -> None:
    async with key_set(jwk("EdDSA")) as case:
        case.server.behaviour = DOWN
        assert await case.refusal("EdDSA-1") == "keys_unavailable"

        case.server.behaviour = None
        case.clock.now += 5

        assert (await case.get()).kid == "EdDSA-1"


async def test_the_last_good_keys_serve_for_a_day_of_outage() -> None:
    async with key_set(jwk("EdDSA")) as case:
        await case.get()
        case.server.behaviour = DOWN
        case.clock.now += 24 * 3600
        assert await case.refusal("new") == "keys_unavailable"

        assert case.keys.find("EdDSA-1", "EdDSA") is not None
        case.clock.now += 1
        assert case.keys.find("EdDSA-1", "EdDSA") is None
        case.clock.now += 5
        assert await case.refusal("EdDSA-1") == "keys_unavailable"


@pytest.mark.parametrize("left", [[], [jwk("ES256")]])
async def test_a_key_that_a_good_answer_no_longer_lists_is_gone_at_once(left: list[dict[str, object]]) -> None:
    async with key_set(jwk("EdDSA")) as case:
        await case.get()
        case.server.keys = list(left)
        await case.refusal("new")

        assert case.keys.find("EdDSA-1", "EdDSA") is None
        assert case.changes == ["changed", "changed"]


async def test_an_answer_with_the_same_keys_is_no_change() -> None:
    async with key_set(jwk("EdDSA"), jwk("ES256")) as case:
        await case.get()
        case.server.keys.reverse()
        await case.refusal("new")

        assert (case.fetches, case.changes) == (2, ["changed"])


async def test_another_key_under_the_same_kid_is_found_by_one_bounded_fetch() -> None:
    async with key_set(jwk("EdDSA", "1")) as case:
        old = await case.get("1")
        assert await case.keys.replacement_for(old) is None
        assert (await case.keys.replacement_for(old), case.fetches) == (None, 2)

        case.server.keys = [jwk("EdDSA", "1", number=2)]
        case.clock.now += 5
        replacement = await case.keys.replacement_for(old)

        assert replacement is not None
        assert (replacement == old, replacement.kid, case.fetches) == (False, "1", 3)


async def test_a_token_without_kid_takes_the_only_key_of_its_algorithm() -> None:
    async with key_set(jwk("EdDSA"), jwk("ES256"), jwk("ES256", number=2)) as case:
        assert (await case.get(None, "EdDSA")).kid == "EdDSA-1"
        with pytest.raises(TokenError, match="missing_kid"):
            await case.get(None, "ES256")
