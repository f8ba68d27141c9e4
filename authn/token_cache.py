"""Verified tokens, remembered for a minute, so that a repeated one costs a digest and a look-up."""

import time
from collections import OrderedDict
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from .jws import MAX_TOKEN_CHARS
from .tokens import LEEWAY_SECONDS, Claims

MAX_ENTRIES: Final = 10_000
MAX_AGE_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class _Entry:
    claims: Claims
    dies_at: float  # monotonic seconds


class TokenCache:
    """At most ``MAX_ENTRIES`` verified tokens by digest; an entry dies with ``exp`` and after ``MAX_AGE_SECONDS``.

    The wall clock judges ``exp``, the monotonic one age, so that a clock set back prolongs no entry.
    """

    def __init__(self) -> None:
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, token: str) -> Claims | None:
        if len(token) > MAX_TOKEN_CHARS:
            return None
        digest = _digest(token)
        entry = self._entries.get(digest)
        if entry is None:
            return None
        if time.monotonic() < entry.dies_at and time.time() < entry.claims.expires_at + LEEWAY_SECONDS:
            return entry.claims
        del self._entries[digest]
        return None

    def put(self, token: str, claims: Claims) -> None:
        self._entries[_digest(token)] = _Entry(claims, time.monotonic() + MAX_AGE_SECONDS)
        if len(self._entries) > MAX_ENTRIES:
            self._entries.popitem(last=False)

    def clear(self) -> None:
        """Forget everything: a key is gone, and with it what it signed."""
        self._entries.clear()


def _digest(token: str) -> bytes:
    return blake2b(token.encode("utf-8", "surrogatepass"), digest_size=32).digest()
