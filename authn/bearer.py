"""The Authorization header of a request → the caller (RFC 6750, section 2.1)."""

from typing import cast

from django.http import HttpRequest
from ninja.security.http import HttpAuthBase

from .caller import Caller
from .problems import InvalidToken, NotAuthenticated, Unavailable
from .tokens import Claims, KeysUnavailable, TokenError
from .verifier import get_verifier


class BetterAuthBearer(HttpAuthBase):
    """Ninja's security callback: the verified `Caller`, or the 401 or 503 that says why not."""

    openapi_scheme = "bearer"
    openapi_bearerFormat = "JWT"  # noqa: N815  (OpenAPI's spelling)
    is_async = True

    async def __call__(self, request: HttpRequest) -> Caller:
        return await authenticate(request)


async def authenticate(request: HttpRequest) -> Caller:
    """The caller of ``request``, verified once and kept on it.

    Raises `NotAuthenticated` without credentials, `InvalidToken` for bad ones and `Unavailable` when the key they need
    cannot be fetched.
    """
    known: Caller | None = getattr(request, "caller", None)
    if known is None:
        claims = await _verify(_credentials(request))
        known = Caller(claims.subject, claims.email, claims.name)
        request.caller = known  # type: ignore[attr-defined]
    return known


def caller_of(request: HttpRequest) -> Caller:
    """The caller of a request that has been authenticated."""
    return cast("Caller", request.caller)  # type: ignore[attr-defined]


def _credentials(request: HttpRequest) -> str:
    header: str = request.META.get("HTTP_AUTHORIZATION", "")
    scheme, _, token = header.partition(" ")
    if not header or scheme.lower() != "bearer":
        raise NotAuthenticated
    # Several header lines reach us joined with a comma, which no token contains.
    if "," in token:
        raise InvalidToken("Send exactly one Authorization header with one token.", reason="several_tokens")
    if not token:
        raise NotAuthenticated
    return token


async def _verify(token: str) -> Claims:
    verifier = get_verifier()
    claims = verifier.verify_cached(token)
    if claims is not None:
        return claims
    try:
        return await verifier.verify(token)
    except TokenError as error:
        raise InvalidToken(error.detail, reason=error.code) from None
    except KeysUnavailable as error:
        raise Unavailable(error.detail, retry_after=error.retry_after) from None
