"""The published key set, kept in memory: known keys never wait, everything else waits for one shared, bounded fetch."""

import asyncio
import logging
import math
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from .jwks_fetch import FetchFailed, KeySetAnswer
from .keys import VerificationKey
from .token_errors import KeysUnavailable, TokenError

logger = logging.getLogger(__name__)

REFRESH_SECONDS: Final = 300.0
RETRY_SECONDS: Final = 30.0
DEMAND_SECONDS: Final = 5.0
MAX_STALE_SECONDS: Final = 24 * 3600.0
LOG_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class KeySetStatus:
    """What a readiness probe, ``doctor`` and the metrics ask; ``age`` is seconds since the last good fetch."""

    configured: bool
    keys: int
    age: float | None
    last_error: str | None
    fetches_ok: int
    fetches_failed: int


class Allowance:
    """One permission every ``DEMAND_SECONDS``, however many ask."""

    def __init__(self) -> None:
        self._spent_at = -math.inf

    def take(self, now: float) -> bool:
        if self.wait(now) > 0:
            return False
        self._spent_at = now
        return True

    def refund(self) -> None:
        self._spent_at = -math.inf

    def wait(self, now: float) -> float:
        """Seconds until the next permission, 0 when there is one."""
        return max(0.0, self._spent_at + DEMAND_SECONDS - now)


class JwksKeySet:
    """A ``KeySource`` over one JWKS address.

    Last good keys serve for 24 h through an outage; a key that a good answer no longer lists is gone at once.
    Safe over several event loops, one after the other: a fetch of a loop that is gone is forgotten.
    """

    def __init__(
        self,
        fetch: Callable[[], Awaitable[KeySetAnswer]],
        on_change: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch, self._on_change, self._clock = fetch, on_change, clock
        self._keys: tuple[VerificationKey, ...] = ()
        self._fetched_at: float | None = None
        self._attempted_at = -math.inf
        self._last_error: str | None = None
        self._fetches_ok = self._fetches_failed = 0
        self._running: asyncio.Task[None] | None = None
        self._refresher: asyncio.Task[None] | None = None
        self._unknown_kid, self._bad_signature = Allowance(), Allowance()
        self._logged: dict[str, float] = {}

    def find(self, kid: str | None, algorithm: str) -> VerificationKey | None:
        """The known key of ``kid``; for a token without one, the only key of its algorithm."""
        if self._fetched_at is None or self._clock() - self._fetched_at > MAX_STALE_SECONDS:
            return None
        if kid is not None:
            return next((key for key in self._keys if key.kid == kid), None)
        candidates = [key for key in self._keys if key.algorithm == algorithm]
        return candidates[0] if len(candidates) == 1 else None

    async def find_after_fetch(self, kid: str | None, algorithm: str) -> VerificationKey:
        cold = self._fetched_at is None
        # Twice: a fetch that was already under way may be older than the key.
        for _ in range(2):
            if not await self._fetched_on_demand(self._unknown_kid):
                break
            key = self.find(kid, algorithm)
            if key is not None:
                if cold:  # The set was missing, not the key: a rotation right after start is still fetched at once.
                    self._unknown_kid.refund()
                return key
        if self._last_error is None:
            raise TokenError("missing_kid" if kid is None else "unknown_key")
        raise KeysUnavailable(math.ceil(self._unknown_kid.wait(self._clock())))

    async def replacement_for(self, key: VerificationKey) -> VerificationKey | None:
        for _ in range(2):
            if not await self._fetched_on_demand(self._bad_signature):
                break
            found = self.find(key.kid, key.algorithm)
            if found is not None and found != key:
                return found
        return None

    def refresh_if_due(self) -> None:
        """Start a fetch nobody waits for when the keys are old and no background task keeps them fresh."""
        now = self._clock()
        fresh = self._fetched_at is not None and now - self._fetched_at < REFRESH_SECONDS
        if not fresh and now - self._attempted_at >= RETRY_SECONDS and self._in_flight() is None:
            self._begin()

    def start(self) -> None:
        """Keep the keys fresh from the running event loop until ``stop``; a second call changes nothing."""
        if _alive(self._refresher) is None:
            self._refresher = asyncio.get_running_loop().create_task(self._refresh_forever())

    async def stop(self) -> None:
        """Cancel the background refresh and any fetch under way."""
        tasks = [task for task in (_alive(self._refresher), self._in_flight()) if task is not None]
        self._refresher = self._running = None
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def status(self) -> KeySetStatus:
        return KeySetStatus(
            configured=True,
            keys=len(self._keys),
            age=None if self._fetched_at is None else self._clock() - self._fetched_at,
            last_error=self._last_error,
            fetches_ok=self._fetches_ok,
            fetches_failed=self._fetches_failed,
        )

    async def _refresh_forever(self) -> None:
        while True:
            await asyncio.shield(self._in_flight() or self._begin())
            pause = REFRESH_SECONDS if self._last_error is None else RETRY_SECONDS
            # Spread, so that processes started together do not ask together for ever.
            await asyncio.sleep(pause * random.uniform(0.9, 1.0))  # noqa: S311  # nosec B311

    def _in_flight(self) -> asyncio.Task[None] | None:
        return _alive(self._running)

    def _begin(self) -> asyncio.Task[None]:
        self._running = asyncio.get_running_loop().create_task(self._refetch())
        return self._running

    async def _fetched_on_demand(self, allowance: Allowance) -> bool:
        """Wait for the fetch under way or, if allowed, for a new one; the fetch outlives a cancelled waiter."""
        task = self._in_flight()
        if task is None:
            if not allowance.take(self._clock()):
                return False
            task = self._begin()
        await asyncio.shield(task)
        return True

    async def _refetch(self) -> None:
        self._attempted_at = self._clock()
        try:
            answer = await self._fetch()
        except FetchFailed as error:
            self._failed(error.cause, str(error))
        # Whatever an answer causes, it is neither a 500 nor the end of refreshing.
        except Exception as error:
            self._failed("unexpected", f"reading it failed ({type(error).__name__})")
        else:
            self._succeeded(answer)

    def _succeeded(self, answer: KeySetAnswer) -> None:
        for reason in answer.ignored:
            self._warn(reason, f"JWKS: {reason}.")
        if self._last_error is not None:
            logger.info("JWKS: fetched again; %d keys.", len(answer.keys))
        changed = set(answer.keys) != set(self._keys)
        self._keys, self._fetched_at, self._last_error = answer.keys, self._clock(), None
        self._fetches_ok += 1
        if changed:
            self._on_change()

    def _failed(self, cause: str, message: str) -> None:
        self._last_error = message
        self._fetches_failed += 1
        if self._fetched_at is None:
            effect = "No key is known yet: tokens under published keys are answered 503"
        else:
            age = self._clock() - self._fetched_at
            effect = f"The last good keys are {age:.0f} s old and serve for {MAX_STALE_SECONDS / 3600:.0f} h"
        self._warn(cause, f"JWKS: {message}. {effect}. Check BETTER_AUTH_URL or BETTER_AUTH_JWKS_URL.")

    def _warn(self, cause: str, message: str) -> None:
        """One line a minute for each cause."""
        now = self._clock()
        self._logged = {old: at for old, at in self._logged.items() if now - at < LOG_SECONDS}
        if cause not in self._logged:
            self._logged[cause] = now
            logger.warning(message)


def _alive(task: asyncio.Task[None] | None) -> asyncio.Task[None] | None:
    """``task`` if it runs in the running event loop; one left behind by a loop that is gone never ends."""
    if task is None or task.done() or task.get_loop() is not asyncio.get_running_loop():
        return None
    return task
