"""Token text → claims for this process: settings, keys and cache put together."""

import logging
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

from .jwks import JwksKeySet, KeySetStatus
from .jwks_fetch import JwksFetcher
from .jws import ParsedToken, parse_token
from .keys import ASYMMETRIC_ALGORITHMS, HS256, KeySource, UnusableKey, VerificationKey, secret_key
from .token_cache import TokenCache
from .token_errors import TokenError
from .token_settings import SETTING_NAMES, TokenSettings, token_settings
from .tokens import Claims, Policy, verify_token

logger = logging.getLogger(__name__)

_NOT_CONFIGURED = KeySetStatus(configured=False, keys=0, age=None, last_error=None, fetches_ok=0, fetches_failed=0)
_MAX_LOGGED_KID = 64


class Verifier:
    """Verifies tokens by the shared secret, by published keys, or by both, each with its own algorithms only."""

    def __init__(
        self, policy: Policy, secret: VerificationKey | None, keys: KeySource | None, cache: TokenCache
    ) -> None:
        self._policy, self._secret, self._keys, self._cache = policy, secret, keys, cache

    def verify_cached(self, token: str) -> Claims | None:
        """The claims of a token verified within the last minute and not expired since; never waits."""
        return self._cache.get(token)

    async def verify(self, token: str) -> Claims:
        """The claims of a valid token; raises TokenError (401) or KeysUnavailable (503)."""
        claims = self._cache.get(token)
        if claims is not None:
            return claims
        kid: str | None = None
        try:
            parsed = parse_token(token)
            kid = parsed.kid
            claims = await self._verify_new(parsed)
        except TokenError as refusal:  # an outage has its own line in the log, once a minute
            logger.info("Token refused: code=%s kid=%s", refusal.code, _for_log(kid))
            raise
        self._cache.put(token, claims)
        return claims

    async def _verify_new(self, token: ParsedToken) -> Claims:
        if token.algorithm == HS256 and self._secret is not None:
            return verify_token(token, self._secret, self._policy)
        if token.algorithm in ASYMMETRIC_ALGORITHMS and self._keys is not None:
            return await self._verify_published(token, self._keys)
        raise TokenError("algorithm_not_accepted")

    async def _verify_published(self, token: ParsedToken, keys: KeySource) -> Claims:
        key = keys.find(token.kid, token.algorithm)
        if key is None:
            key = await keys.find_after_fetch(token.kid, token.algorithm)
        else:
            keys.refresh_if_due()
        try:
            return verify_token(token, key, self._policy)
        except TokenError as refusal:
            # A recreated auth database may use the same kid for a new key.
            if refusal.code not in ("bad_signature", "algorithm_mismatch"):
                raise
            replacement = await keys.replacement_for(key)
            if replacement is None:
                raise
        return verify_token(token, replacement, self._policy)


def _for_log(kid: str | None) -> str:
    """A kid as one short printable word: it comes from whoever sent the token."""
    return "-" if kid is None else ascii(kid[:_MAX_LOGGED_KID])


class _Process:
    """The verifier and key set of this process, made on first use and made anew when a setting changes."""

    verifier: Verifier | None = None
    key_set: JwksKeySet | None = None


def get_verifier() -> Verifier:
    """The process's verifier; raises ImproperlyConfigured naming the variable that cannot work."""
    if _Process.verifier is None:
        configured = token_settings()
        cache = TokenCache()
        if configured.jwks_url is not None:
            _Process.key_set = JwksKeySet(JwksFetcher(configured.jwks_url), on_change=cache.clear)
        _Process.verifier = Verifier(configured.policy, configured_secret(configured), _Process.key_set, cache)
    return _Process.verifier


def configured_secret(configured: TokenSettings) -> VerificationKey | None:
    """The HS256 key of the settings, None without one; raises ImproperlyConfigured for an unusable secret."""
    if configured.secret is None:
        return None
    try:
        return secret_key(configured.secret)
    except UnusableKey as reason:
        raise ImproperlyConfigured(f"BETTER_AUTH_SECRET cannot be used: {reason}.") from None


async def start() -> None:
    """Lifespan start-up: check the settings and keep the key set fresh in the background."""
    get_verifier()
    if _Process.key_set is not None:
        _Process.key_set.start()


async def stop() -> None:
    """Lifespan shutdown; harmless without ``start``."""
    if _Process.key_set is not None:
        await _Process.key_set.stop()


def key_set_status() -> KeySetStatus:
    """The state of the key set, for the readiness probe, ``doctor`` and the metrics; never fetches."""
    get_verifier()
    return _NOT_CONFIGURED if _Process.key_set is None else _Process.key_set.status()


def reset_verifier(*, setting: str | None = None, **_: Any) -> None:
    """Forget verifier, keys and cache when a setting of theirs changes (tests override settings)."""
    if setting is None or setting in SETTING_NAMES:
        _Process.verifier = _Process.key_set = None


setting_changed.connect(reset_verifier, dispatch_uid="authn.verifier")
