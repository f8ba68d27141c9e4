"""Verified tokens are remembered for a minute, never beyond their expiry."""

import time
from types import SimpleNamespace

import pytest

from authn import token_cache
from authn.jws import MAX_TOKEN_CHARS
from authn.token_cache import MAX_ENTRIES, TokenCache
from authn.tokens import Claims


class Clocks(SimpleNamespace):
    """Both clocks of the cache, in the test's hand."""

    now: float = time.time()
    ticks: float = 50.0

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.ticks


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    clocks = Clocks()
    monkeypatch.setattr(token_cache, "time", clocks)
    return clocks


def claims_until(expires_at: float) -> Claims:
    return Claims(subject="alice", expires_at=expires_at, email=None, name=None)


def test_a_token_is_found_again_and_no_other_is(clocks: Clocks) -> None:
    cache = TokenCache()
    kept = claims_until(clocks.now + 900)

    cache.put("a.b.c", kept)

    assert cache.get("a.b.c") is kept
    assert cache.get("a.b.d") is None


def test_an_entry_dies_after_a_minute(clocks: Clocks) -> None:
    cache = TokenCache()
    cache.put("a.b.c", claims_until(clocks.now + 900))

    clocks.ticks += 59.9
    assert cache.get("a.b.c") is not None
    clocks.ticks += 0.1

    assert cache.get("a.b.c") is None
    assert len(cache) == 0


def test_an_entry_dies_with_its_token_after_the_leeway(clocks: Clocks) -> None:
    cache = TokenCache()
    cache.put("a.b.c", claims_until(clocks.now + 5))

    clocks.now += 14.9
    assert cache.get("a.b.c") is not None
    clocks.now += 0.2

    assert cache.get("a.b.c") is None


def test_a_clock_set_back_prolongs_nothing(clocks: Clocks) -> None:
    cache = TokenCache()
    cache.put("a.b.c", claims_until(clocks.now + 900))

    clocks.now -= 10_000
    clocks.ticks += 60

    assert cache.get("a.b.c") is None


def test_the_oldest_entries_make_room(clocks: Clocks) -> None:
    cache = TokenCache()

    for number in range(MAX_ENTRIES + 2):
        cache.put(str(number), claims_until(clocks.now + 900))

    assert len(cache) == MAX_ENTRIES
    assert [cache.get(str(number)) is None for number in (0, 1, 2)] == [True, True, False]


def test_no_token_is_kept_as_text(clocks: Clocks) -> None:
    cache = TokenCache()

    cache.put("a.b.c", claims_until(clocks.now + 900))

    assert "a.b.c" not in repr(vars(cache))


def test_an_overlong_or_odd_text_is_not_found(clocks: Clocks) -> None:
    cache = TokenCache()

    assert cache.get("x" * (MAX_TOKEN_CHARS + 1)) is None
    assert cache.get("\ud800") is None
