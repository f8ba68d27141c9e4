"""Fixed windows counted in Redis for all processes together, without ever depending on it."""

import asyncio
import logging
import time
from collections.abc import Callable
from time import monotonic

from limits.aio.storage import RedisStorage

from .windows import ENTRIES_MAX

logger = logging.getLogger("todoproject.limits")

CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 0.05  # that one answer may take
REST_SECONDS = 5.0  # that Redis is left alone after a failure, so that a slow one does not slow down every call
LOG_SECONDS = 60.0


class SharedWindows:
    """Counts through `limits`' Redis storage: one round trip a hit, and one more when a process meets a new window."""

    def __init__(self, name: str, url: str, seconds: int, clock: Callable[[], float] = monotonic) -> None:
        self._name, self._seconds, self._clock = name, seconds, clock
        self._url = f"async+redis+{url}" if url.startswith("unix:") else f"async+{url}"
        self._storage: RedisStorage | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ends: dict[str, float] = {}  # key -> end of its window, wall clock
        self._rests_until = 0.0
        self._silent_until = 0.0

    async def open(self) -> None:
        """Connect, in more time than a call has: the first connection loads the client library."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                if not await self._connected().check():
                    raise ConnectionError
        except Exception as error:
            self._rest(error)

    async def hit(self, key: str) -> tuple[int, float] | None:
        """See Windows.hit(); None when Redis cannot say."""
        if self._clock() < self._rests_until:
            return None
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._hit(f"{self._name}:{key}")
        except Exception as error:
            self._rest(error)
            return None

    async def _hit(self, key: str) -> tuple[int, float]:
        storage = self._connected()
        count = await storage.incr(key, self._seconds)
        now = time.time()
        end = self._ends.get(key, 0.0)
        if count == 1:
            end = self._remember(key, now + self._seconds)
        elif end <= now:
            end = self._remember(key, await storage.get_expiry(key))
        return count, max(end - now, 0.0)

    def _remember(self, key: str, end: float) -> float:
        self._ends.pop(key, None)
        self._ends[key] = end
        if len(self._ends) > ENTRIES_MAX:
            del self._ends[next(iter(self._ends))]
        return end

    def _connected(self) -> RedisStorage:
        loop = asyncio.get_running_loop()
        if self._storage is None or self._loop is not loop:
            self._storage = RedisStorage(
                self._url,
                implementation="redispy",
                key_prefix="todo",
                socket_timeout=ANSWER_SECONDS,
                socket_connect_timeout=ANSWER_SECONDS,
            )
            self._loop = loop
        return self._storage

    def _rest(self, error: Exception) -> None:
        now = self._clock()
        self._rests_until = now + REST_SECONDS
        if now >= self._silent_until:
            self._silent_until = now + LOG_SECONDS
            reason = "no answer in time" if isinstance(error, TimeoutError) else type(error).__name__
            logger.warning("Redis is not usable (%s): limits are counted in each process. Check REDIS_URL.", reason)

    async def close(self) -> None:
        """Close the connections."""
        storage, self._storage = self._storage, None
        if storage is not None and self._loop is asyncio.get_running_loop():
            await storage.bridge.get_connection().aclose()  # type: ignore[attr-defined]  # of the bridge to redis-py
