"""A parsed token, one pinned key and a policy → typed claims. No network, no settings, no logging.

Rules: RFC 7515 and 7519 read strictly, RFC 8725 section 3, and the Authentication section of the HTTP contract.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import jwt
from jwt.exceptions import (
    ExpiredSignatureError,
    ImmatureSignatureError,
    InvalidAlgorithmError,
    InvalidAudienceError,
    InvalidIssuerError,
    InvalidSignatureError,
    MissingRequiredClaimError,
    PyJWTError,
)

from .jws import ParsedToken
from .keys import HS256, VerificationKey
from .token_errors import KeysUnavailable, TokenError

__all__ = ["Claims", "KeysUnavailable", "Policy", "TokenError", "verify_token"]

MAX_SUBJECT_CHARS: Final = 255
MAX_EMAIL_CHARS: Final = 320  # RFC 3696 erratum 1003: 64 + 1 + 255
MAX_NAME_CHARS: Final = 255
LEEWAY_SECONDS: Final = 10


@dataclass(frozen=True, slots=True)
class Claims:
    """What the API believes of a verified token.

    ``expires_at`` is ``exp`` in seconds since the epoch, finite but as far away as the issuer likes. ``email`` and
    ``name`` are None unless they are non-empty, bounded strings that PostgreSQL can store.
    """

    subject: str
    expires_at: float
    email: str | None
    name: str | None


@dataclass(frozen=True, slots=True)
class Policy:
    """The expected issuer and audience; None means that none is configured."""

    issuer: str | None
    audience: str | None


def verify_token(token: ParsedToken, key: VerificationKey, policy: Policy) -> Claims:
    """The claims of a token that ``key`` signed under its own algorithm and ``policy`` allows; raises TokenError.

    HS256 tokens may leave out ``iss`` and ``aud``; tokens under a published key may not.
    """
    published = key.algorithm != HS256
    issuer = _expected(policy.issuer, required=published, carried="iss" in token.claims)
    audience = _expected(policy.audience, required=published, carried="aud" in token.claims)
    try:
        claims = jwt.decode(
            token.raw,
            key=key.jwk,
            algorithms=[key.algorithm],
            options={
                "verify_signature": True,
                "enforce_minimum_key_length": True,
                "require": ["sub", "exp", "iss", "aud"] if published else ["sub", "exp"],
                "verify_exp": True,
                "verify_nbf": True,
                "verify_iat": True,
                "verify_iss": issuer is not None,
                "verify_aud": audience is not None,
                "strict_aud": False,
                "verify_sub": True,
                "verify_jti": True,
            },
            detached_payload=None,
            audience=audience,
            subject=None,
            issuer=issuer,
            leeway=LEEWAY_SECONDS,
        )
    except PyJWTError as error:
        raise _refusal(error) from None
    return _typed(claims)


def _expected(value: str | None, *, required: bool, carried: bool) -> str | tuple[str, ...] | None:
    """What a claim must be; None checks nothing. PyJWT reads a missing expectation as "any", hence the empty tuple."""
    if required:
        return value if value is not None else ()
    return value if carried else None


def _refusal(error: PyJWTError) -> TokenError:
    match error:
        case InvalidSignatureError():
            return TokenError("bad_signature")
        case InvalidAlgorithmError():
            return TokenError("algorithm_mismatch")
        case ExpiredSignatureError():
            return TokenError("expired")
        case ImmatureSignatureError():
            return TokenError("not_yet_valid")
        case InvalidIssuerError():
            return TokenError("wrong_issuer")
        case InvalidAudienceError():
            return TokenError("wrong_audience")
        case MissingRequiredClaimError(claim=claim):
            return TokenError("missing_claim", f'The token lacks the required claim "{claim}".')
        case _:
            return TokenError("invalid_claim")


def _typed(claims: Mapping[str, Any]) -> Claims:
    """The checks of shape and range that PyJWT leaves out (it takes "5", true and Infinity for times)."""
    for name in ("exp", "iat", "nbf"):
        if name in claims and not _is_finite_number(claims[name]):
            raise _invalid(name, "a finite number")
    if not isinstance(claims.get("iss", ""), str):
        raise _invalid("iss", "a string")
    if not _is_audience(claims.get("aud", "")):
        raise _invalid("aud", "a string or an array of strings")
    subject = _text(claims["sub"], MAX_SUBJECT_CHARS)
    if subject is None:
        raise _invalid("sub", f"1 to {MAX_SUBJECT_CHARS} characters of text without NUL")
    return Claims(
        subject=subject,
        expires_at=float(claims["exp"]),
        email=_text(claims.get("email"), MAX_EMAIL_CHARS),
        name=_text(claims.get("name"), MAX_NAME_CHARS),
    )


def _invalid(name: str, wanted: str) -> TokenError:
    return TokenError("invalid_claim", f'The token\'s "{name}" is not {wanted}.')


def _is_finite_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _is_audience(value: object) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(item, str) for item in value))


def _text(value: object, limit: int) -> str | None:
    """``value`` when it is 1 to ``limit`` code points that UTF-8 and PostgreSQL can hold, else None."""
    if not isinstance(value, str) or not 1 <= len(value) <= limit or "\0" in value:
        return None
    try:
        value.encode()
    except UnicodeEncodeError:
        return None
    return value
