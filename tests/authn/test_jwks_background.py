"""The key set while nobody waits: refresh, shutdown, several event loops, what the log and the probes say."""

import asyncio
import logging
from typing import Any

import pytest

from authn import jwks as jwks_module
from authn.jwks import JwksKeySet
from authn.jwks_fetch import KeySetAnswer
from authn.token_errors import KeysUnavailable, TokenError

from .key_server import answering
from .key_set import DOWN, key_set
from .token_tools import jwk

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def tasks_of_key_sets() -> list[asyncio.Task[Any]]:
    return [task for task in asyncio.all_tasks() if "JwksKeySet" in repr(task.get_coro())]


async def test_a_known_key_that_is_old_is_refreshed_behind_the_callers_back() -> None:
    async with key_set(jwk("EdDSA")) as case:
        await case.get()
        case.keys.refresh_if_due()
        case.clock.now += 300

        case.keys.refresh_if_due()
        case.keys.refresh_if_due()
        await case.server.asked_times(2)

        assert case.fetches == 2


async def test_a_failed_refresh_is_not_repeated_at_once() -> None:
    async with key_set(jwk("EdDSA")) as case:
        await case.get()
        case.server.behaviour = DOWN
        case.clock.now += 300
        assert await case.refusal("new") == "keys_unavailable"

        case.keys.refresh_if_due()
        assert not tasks_of_key_sets()
        case.clock.now += 30
        case.keys.refresh_if_due()
        assert len(tasks_of_key_sets()) == 1


async def test_the_background_task_keeps_the_keys_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jwks_module, "REFRESH_SECONDS", 0.001)
    monkeypatch.setattr(jwks_module, "RETRY_SECONDS", 0.002)
    async with key_set(jwk("EdDSA")) as case:
        case.keys.start()
        case.keys.start()
        await case.server.asked_times(3)
        case.server.behaviour = DOWN
        await case.server.asked_times(case.fetches + 2)

        assert case.keys.find("EdDSA-1", "EdDSA") is not None
        case.server.behaviour = None
        await case.server.asked_times(case.fetches + 2)

        await case.keys.stop()
        assert not tasks_of_key_sets()


async def test_stopping_cancels_a_fetch_under_way() -> None:
    async with key_set(jwk("EdDSA")) as case:
        case.server.open.clear()
        case.keys.start()
        await case.server.asked_times(1)

        await case.keys.stop()
        await case.keys.stop()

        assert case.keys.status().fetches_ok == 0


def test_a_fetch_left_behind_by_another_event_loop_blocks_nobody() -> None:
    started = asyncio.Event()

    async def fetch() -> KeySetAnswer:
        if not started.is_set():
            started.set()
            await asyncio.Event().wait()
        return KeySetAnswer(keys=(), ignored=())

    async def abandon() -> None:
        keys.start()
        await started.wait()

    async def use() -> str:
        with pytest.raises(TokenError) as caught:
            await keys.find_after_fetch("x", "EdDSA")
        keys.start()
        await keys.stop()
        return caught.value.code

    keys = JwksKeySet(fetch, on_change=lambda: None)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(abandon())

    assert asyncio.run(use()) == "unknown_key"

    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.run_until_complete(asyncio.gather(*asyncio.all_tasks(loop), return_exceptions=True))
    loop.close()


async def test_whatever_goes_wrong_while_fetching_is_an_outage_and_no_crash(caplog: pytest.LogCaptureFixture) -> None:
    async def broken() -> KeySetAnswer:
        raise ZeroDivisionError

    keys = JwksKeySet(broken, on_change=lambda: None)

    with pytest.raises(KeysUnavailable):
        await keys.find_after_fetch("x", "EdDSA")
    assert "ZeroDivisionError" in caplog.text


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "authn.jwks"]


async def test_an_outage_is_logged_once_a_minute_and_cause_with_what_to_do(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "authn.jwks")
    async with key_set(jwk("EdDSA")) as case:
        case.server.behaviour = DOWN
        for _ in range(12):
            await case.refusal("x")
            case.clock.now += 5
        down = logged(caplog)
        case.server.behaviour = answering(b"<html>")
        await case.refusal("x")
        case.clock.now += 5
        case.server.behaviour = None
        await case.get()

    assert len(down) == 1
    assert "503" in down[0]
    assert "BETTER_AUTH_URL" in down[0]
    assert [message.split(".")[0] for message in logged(caplog)[1:]] == [
        "JWKS: its answer is not JSON",
        "JWKS: fetched again; 1 keys",
    ]


async def test_a_warm_outage_says_how_old_the_keys_are(caplog: pytest.LogCaptureFixture) -> None:
    async with key_set(jwk("EdDSA")) as case:
        await case.get()
        case.server.behaviour = DOWN
        case.clock.now += 90
        await case.refusal("new")

    assert "90 s old and serve for 24 h" in caplog.text


async def test_an_ignored_key_is_named_in_the_log_by_its_place(caplog: pytest.LogCaptureFixture) -> None:
    async with key_set(jwk("EdDSA"), {"kty": "oct", "k": "c2VjcmV0"}) as case:
        await case.get()

    assert "key 2 of 2 is ignored: it is a private or symmetric key" in caplog.text
    assert "c2VjcmV0" not in caplog.text


async def test_the_status_tells_what_a_probe_asks() -> None:
    async with key_set(jwk("EdDSA")) as case:
        before = case.keys.status()
        await case.get()
        case.clock.now += 7
        case.server.behaviour = DOWN
        await case.refusal("new")
        after = case.keys.status()

    assert (before.configured, before.keys, before.age, before.last_error) == (True, 0, None, None)
    assert (after.keys, after.age, after.last_error) == (1, 7, "it answered 503, not 200")
    assert (after.fetches_ok, after.fetches_failed) == (1, 1)
