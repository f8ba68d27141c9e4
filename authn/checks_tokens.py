"""System checks of the token settings: what cannot work is an error, what is risky a warning."""

import ipaddress
from collections.abc import Iterator, Sequence
from typing import Any, Final

import httpx
from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004
from django.core.exceptions import ImproperlyConfigured

from .token_settings import TokenSettings, origin, token_settings
from .verifier import configured_secret

MAKE_ONE: Final = "Make one with `openssl rand -hex 32` and give the same to Better Auth."
# Better Auth's own default, and what public example files write in place of a secret.
PLACEHOLDERS: Final = (
    "better-auth-secret",
    "change-me",
    "change_me",
    "changeme",
    "example",
    "placeholder",
    "random-secret",
    "random-string",
    "replace-",
    "replace_",
    "secret-key",
    "secret_key",
    "your-",
    "your_",
)
MIN_DISTINCT_CHARACTERS: Final = 10
_PRIVATE_SUFFIXES: Final = (".localhost", ".local", ".internal", ".test", ".lan", ".home.arpa")


@register(Tags.security)
def token_settings_work(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """E020 to E022: tokens could not be verified. W023 to W026: they could, by others too or by nobody."""
    try:
        configured = token_settings()
    except ImproperlyConfigured as error:
        return [Error(str(error), hint="Write the address of the Better Auth server.", id="authn.E022")]
    if configured.secret is None and configured.jwks_url is None:
        return [
            Error(
                "No token can be verified: neither BETTER_AUTH_SECRET nor BETTER_AUTH_URL is set.",
                hint="Set BETTER_AUTH_URL to the address of the Better Auth server; docs/better-auth.md has recipes.",
                id="authn.E020",
            )
        ]
    return [*_secret_problems(configured), *_key_set_problems(configured), *_name_problems(configured)]


def _secret_problems(configured: TokenSettings) -> Iterator[CheckMessage]:
    if configured.secret is None:
        return
    try:
        configured_secret(configured)
    except ImproperlyConfigured as error:
        yield Error(str(error), hint=MAKE_ONE, id="authn.E021")
        return
    lowered = configured.secret.lower()
    if len(set(lowered)) < MIN_DISTINCT_CHARACTERS or any(words in lowered for words in PLACEHOLDERS):
        message = "BETTER_AUTH_SECRET looks like an example: whoever guesses it can sign in as anybody."
        yield (
            Warning(message, hint=MAKE_ONE, id="authn.W024")
            if settings.DEBUG
            else Error(message, hint=MAKE_ONE, id="authn.E024")
        )
    if configured.secret != configured.secret.strip():
        yield Warning(
            "BETTER_AUTH_SECRET begins or ends with white space, which is part of the secret.",
            hint="Remove it, unless Better Auth has the very same.",
            id="authn.W025",
        )


def _key_set_problems(configured: TokenSettings) -> Iterator[CheckMessage]:
    if configured.jwks_url is None or settings.DEBUG:
        return
    url = httpx.URL(configured.jwks_url)
    if url.scheme == "http" and _is_public(url.host):
        yield Warning(
            f"The keys are fetched without TLS from {origin(url)}: whoever is on the way can sign in as anybody.",
            hint="Use an https address in BETTER_AUTH_URL or BETTER_AUTH_JWKS_URL.",
            id="authn.W023",
        )


def _name_problems(configured: TokenSettings) -> Iterator[CheckMessage]:
    for name, value in (
        ("BETTER_AUTH_ISSUER", configured.policy.issuer),
        ("BETTER_AUTH_AUDIENCE", configured.policy.audience),
    ):
        if value is not None and value.startswith(("http://", "https://")) and value.endswith("/"):
            yield Warning(
                f"{name} ends with a slash; Better Auth names an origin without one.",
                hint=f"Set {name} to {value.rstrip('/')}, unless your tokens really carry the slash.",
                id="authn.W026",
            )


def _is_public(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host.rstrip(".") and not host.rstrip(".").endswith(_PRIVATE_SUFFIXES)
