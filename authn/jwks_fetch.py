"""One bounded GET of a JWKS: no redirects, 5 s in all, at most 256 KiB and 50 keys."""

import asyncio
import json
from dataclasses import dataclass
from typing import Final

import httpx

from .keys import UnusableKey, VerificationKey, parse_jwk

TIMEOUT_SECONDS: Final = 5.0
MAX_BYTES: Final = 256 * 1024
MAX_KEYS: Final = 50
# A compressed answer could be small on the wire and huge in memory.
_HEADERS: Final = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "authn-jwks"}


class FetchFailed(Exception):
    """The answer is no key set. ``cause`` is a stable word, the message a sentence for the operator's log."""

    def __init__(self, cause: str, message: str) -> None:
        self.cause = cause
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class KeySetAnswer:
    """The usable keys of a good answer, and why each other one was ignored."""

    keys: tuple[VerificationKey, ...]
    ignored: tuple[str, ...]


class JwksFetcher:
    """Fetches one address; the TLS context, which a client would take milliseconds to make, is made once."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._tls = httpx.create_ssl_context()

    async def __call__(self) -> KeySetAnswer:
        """The key set as published now; raises FetchFailed."""
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                body = await self._body()
        except (TimeoutError, httpx.TimeoutException):
            raise FetchFailed("timeout", f"it did not answer within {TIMEOUT_SECONDS:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            reason = ascii(str(error))[1:-1][:200] or "closed"
            raise FetchFailed("connection", f"the connection failed ({type(error).__name__}: {reason})") from None
        return read_key_set(body)

    async def _body(self) -> bytes:
        # Connecting (TCP, then TLS) ends by itself: a handshake cancelled from outside leaves its socket open.
        timeout = httpx.Timeout(TIMEOUT_SECONDS, connect=TIMEOUT_SECONDS * 0.45)
        # A client for one call: it belongs to the running event loop, and a connection would idle for minutes anyway.
        async with (
            httpx.AsyncClient(verify=self._tls, timeout=timeout, follow_redirects=False) as client,
            client.stream("GET", self.url, headers=_HEADERS) as response,
        ):
            if response.is_redirect:
                raise FetchFailed("redirect", f"it answered {response.status_code}; redirects are not followed")
            if response.status_code != httpx.codes.OK:
                raise FetchFailed(f"status_{response.status_code}", f"it answered {response.status_code}, not 200")
            if response.headers.get("Content-Encoding", "identity") != "identity":
                raise FetchFailed("compressed", "it answered in a compressed encoding that was not asked for")
            return await _read_bounded(response)


async def _read_bounded(response: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > MAX_BYTES:
            raise FetchFailed("too_large", f"its answer is longer than {MAX_BYTES // 1024} KiB")
    return bytes(body)


def read_key_set(body: bytes) -> KeySetAnswer:
    """The keys of a JWKS document (RFC 7517, section 5), unusable ones apart; raises FetchFailed."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise FetchFailed("not_json", "its answer is not JSON") from None
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise FetchFailed("no_key_set", 'its answer has no "keys" array')
    if len(entries) > MAX_KEYS:
        raise FetchFailed("too_many_keys", f"it lists {len(entries)} keys, at most {MAX_KEYS} are accepted")
    keys: dict[str | None, list[VerificationKey]] = {}
    ignored: list[str] = []
    for position, entry in enumerate(entries, start=1):
        try:
            key = parse_jwk(entry)
        except UnusableKey as reason:
            ignored.append(f"key {position} of {len(entries)} is ignored: {reason}")
            continue
        if key.kid is not None and key.kid in keys:
            ignored.append(f"key {position} of {len(entries)} is ignored: its kid is listed twice")
            continue
        keys.setdefault(key.kid, []).append(key)
    return KeySetAnswer(keys=tuple(key for group in keys.values() for key in group), ignored=tuple(ignored))
