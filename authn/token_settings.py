"""The BETTER_AUTH_* settings, read once and made explicit: secret, key set address, issuer, audience."""

from dataclasses import dataclass, field
from typing import Final

import httpx
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from .tokens import Policy

JWKS_PATH: Final = "/api/auth/jwks"
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
SETTING_NAMES: Final = (
    "BETTER_AUTH_SECRET",
    "BETTER_AUTH_URL",
    "BETTER_AUTH_JWKS_URL",
    "BETTER_AUTH_ISSUER",
    "BETTER_AUTH_AUDIENCE",
)


@dataclass(frozen=True, slots=True)
class TokenSettings:
    """None means not configured; ``jwks_url`` and ``policy`` have their defaults filled in."""

    secret: str | None = field(repr=False)
    jwks_url: str | None
    policy: Policy


def token_settings() -> TokenSettings:
    """The settings in force; raises ImproperlyConfigured naming the variable that is no http(s) URL."""
    base, keys = _url("BETTER_AUTH_URL"), _url("BETTER_AUTH_JWKS_URL")
    # Better Auth signs with the origin of its base URL; without one, the keys' own address is the best guess.
    known = base or keys
    home = origin(known) if known else None
    return TokenSettings(
        secret=_value("BETTER_AUTH_SECRET"),
        jwks_url=str(keys) if keys else f"{home}{JWKS_PATH}" if home else None,
        policy=Policy(
            issuer=_value("BETTER_AUTH_ISSUER") or home,
            audience=_value("BETTER_AUTH_AUDIENCE") or home,
        ),
    )


def origin(url: httpx.URL) -> str:
    """Scheme and host in lower case, port unless it is the default one, no path: what ``iss`` and ``aud`` carry."""
    host = url.raw_host.decode("ascii")
    home = f"{url.scheme}://[{host}]" if ":" in host else f"{url.scheme}://{host}"
    return home if url.port in (None, _DEFAULT_PORTS[url.scheme]) else f"{home}:{url.port}"


def _value(name: str) -> str | None:
    value = getattr(settings, name, None)
    if value is not None and not isinstance(value, str):
        raise ImproperlyConfigured(f"{name} must be text.")
    return value or None


def _url(name: str) -> httpx.URL | None:
    value = _value(name)
    if value is None:
        return None
    try:
        url = httpx.URL(value)
    except httpx.InvalidURL:
        raise ImproperlyConfigured(f"{name} is not a URL; expected one like https://example.com.") from None
    if url.scheme not in _DEFAULT_PORTS or not url.host or "%" in url.host:
        raise ImproperlyConfigured(f"{name} must be an http or https URL with a host, like https://example.com.")
    return url
