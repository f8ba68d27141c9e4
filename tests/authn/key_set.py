"""A key set on a clock of its own, asking a real server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from authn.jwks import JwksKeySet
from authn.jwks_fetch import JwksFetcher
from authn.keys import VerificationKey
from authn.token_errors import KeysUnavailable, TokenError

from .key_server import KeyServer, answering, key_server

DOWN = answering(b"down", "503 Service Unavailable")


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Setting:
    """A key set, the server it asks and the clock it lives by."""

    server: KeyServer
    clock: Clock
    keys: JwksKeySet
    changes: list[str] = field(default_factory=list)

    async def get(self, kid: str | None = "EdDSA-1", algorithm: str = "EdDSA") -> VerificationKey:
        return self.keys.find(kid, algorithm) or await self.keys.find_after_fetch(kid, algorithm)

    async def refusal(self, kid: str | None) -> str:
        """The code of the refusal of ``kid``; fails when there is a key."""
        try:
            key = await self.get(kid)
        except (TokenError, KeysUnavailable) as refused:
            return refused.code
        return pytest.fail(f"there is a key: {key}")

    @property
    def fetches(self) -> int:
        return len(self.server.requests)


@asynccontextmanager
async def key_set(*published: dict[str, object]) -> AsyncIterator[Setting]:
    async with key_server(*published) as server:
        clock, changes = Clock(), list[str]()
        keys = JwksKeySet(JwksFetcher(server.url), on_change=lambda: changes.append("changed"), clock=clock)
        yield Setting(server, clock, keys, changes)
        await keys.stop()
