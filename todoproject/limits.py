"""How often one user may call, and how often one address may be refused (api.md, "Limits").

The answer carries `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers).
"""

from math import ceil
from typing import NamedTuple

import limits
from django.conf import settings
from django.core.signals import setting_changed

from authn.bearer import authenticate
from authn.problems import InvalidToken, NotAuthenticated, RateLimited

from .client_address import client_address
from .requests import ApiRequest
from .shared_windows import SharedWindows
from .windows import Windows

TOO_MANY_REFUSED = "Too many calls from this address were refused. Wait for the seconds in Retry-After, then try again."
SETTING_NAMES = ("RATE_LIMIT_USER", "RATE_LIMIT_ANONYMOUS", "REDIS_URL")


class Standing(NamedTuple):
    """Where a caller stands after this call, as the two header values."""

    policy: str
    state: str


class Limit:
    """One policy: a name, an amount, a window."""

    def __init__(self, name: str, spelled: str, redis_url: str | None) -> None:
        item = limits.parse(spelled)
        self.amount, seconds = item.amount, item.get_expiry()
        self.policy = f'"{name}";q={self.amount};w={seconds}'
        self._prefix = f'"{name}";r='
        self._local = Windows(seconds)
        self._shared = None if redis_url is None else SharedWindows(name, redis_url, seconds)

    async def hit(self, key: str) -> tuple[Standing, int]:
        """Count a call; return the standing after it and, when it is one too many, the seconds to wait, else 0."""
        count, left = self._local.hit(key)
        # A process that has seen too many by itself needs nobody to confirm it.
        if self._shared is not None and count <= self.amount:
            count, left = await self._shared.hit(key) or (count, left)
        seconds = ceil(left)
        standing = Standing(self.policy, f"{self._prefix}{max(self.amount - count, 0)};t={seconds}")
        return standing, max(seconds, 1) if count > self.amount else 0

    async def open(self) -> None:
        if self._shared is not None:
            await self._shared.open()

    async def close(self) -> None:
        if self._shared is not None:
            await self._shared.close()


class _Process:
    """The limits of this process, made on first use and made anew when a setting changes."""

    user: Limit | None = None
    anonymous: Limit | None = None


def user_limit() -> Limit:
    if _Process.user is None:
        _Process.user = Limit("user", settings.RATE_LIMIT_USER, settings.REDIS_URL)
    return _Process.user


def anonymous_limit() -> Limit:
    if _Process.anonymous is None:
        _Process.anonymous = Limit("anonymous", settings.RATE_LIMIT_ANONYMOUS, settings.REDIS_URL)
    return _Process.anonymous


async def admit(request: ApiRequest) -> None:
    """Authenticate ``request`` and count it. Raises what `authenticate` raises, and `RateLimited` (429)."""
    try:
        caller = await authenticate(request)
    except (NotAuthenticated, InvalidToken) as refusal:
        standing, wait = await anonymous_limit().hit(client_address(request))
        if wait:
            request.standing = standing
            raise RateLimited(TOO_MANY_REFUSED, headers={"Retry-After": str(wait)}) from refusal
        raise
    request.standing, wait = await user_limit().hit(caller.subject)
    if wait:
        raise RateLimited(headers={"Retry-After": str(wait)})


async def start() -> None:
    """Connect to Redis, if there is one, before the first call needs it."""
    await user_limit().open()
    await anonymous_limit().open()


async def close() -> None:
    """Close the connections to Redis."""
    for limit in (_Process.user, _Process.anonymous):
        if limit is not None:
            await limit.close()
    _Process.user = _Process.anonymous = None


def reset(*, setting: str | None = None, **_: object) -> None:
    """Forget every count when a limit changes (tests override settings)."""
    if setting is None or setting in SETTING_NAMES:
        _Process.user = _Process.anonymous = None


setting_changed.connect(reset, dispatch_uid="todoproject.limits")
