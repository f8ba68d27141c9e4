"""A bearer token's text, read strictly as a compact JWS (RFC 7515) with JSON claims (RFC 7519). Nothing is verified."""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from .token_errors import TokenError

MAX_TOKEN_CHARS: Final = 8192
# RFC 8725 sections 3.10 and 3.11: a token brings no key of its own, and names no extension nobody here understands.
FORBIDDEN_HEADERS: Final = ("jwk", "jku", "x5u", "x5c", "crit", "b64")
# Media types compare without case (RFC 7515, section 4.1.9; RFC 2045, section 5.1).
ACCEPTED_TYPES: Final = frozenset({"jwt", "at+jwt"})
_SEGMENT: Final = re.compile(r"[A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class ParsedToken:
    """A token read strictly but not verified: nothing in it may be trusted yet."""

    raw: str
    algorithm: str
    kid: str | None
    claims: Mapping[str, Any]


def parse_token(token: str) -> ParsedToken:
    """Read a compact JWS; raises TokenError for anything RFC 7515 and 7519 do not allow or the contract refuses."""
    if len(token) > MAX_TOKEN_CHARS:
        raise TokenError("too_long")
    header_part, claims_part, signature_part = _split(token)
    header = _json_object(_base64url(header_part), "header")
    claims = _json_object(_base64url(claims_part), "payload")
    _base64url(signature_part)
    for name in FORBIDDEN_HEADERS:
        if name in header:
            raise TokenError("forbidden_header", f'The token\'s header carries "{name}", which this API never accepts.')
    _check_type(header)
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str):
        raise TokenError("malformed", 'The token\'s header has no "alg" string.')
    if "kid" in header and not isinstance(kid, str):
        raise TokenError("malformed", 'The token\'s "kid" is not a string.')
    return ParsedToken(raw=token, algorithm=algorithm, kid=kid, claims=claims)


def _split(token: str) -> tuple[str, str, str]:
    segments = token.split(".")
    if len(segments) == 5:
        raise TokenError("encrypted")
    if len(segments) != 3:
        raise TokenError("not_a_jwt" if len(segments) < 3 else "malformed")
    return segments[0], segments[1], segments[2]


def _base64url(segment: str) -> bytes:
    """Unpadded, canonical base64url (RFC 7515, section 2): one spelling for one value."""
    if not _SEGMENT.fullmatch(segment) or len(segment) % 4 == 1:
        raise TokenError("malformed", "A segment of the token is not base64url.")
    decoded = urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    if urlsafe_b64encode(decoded).rstrip(b"=").decode() != segment:
        raise TokenError("malformed", "A segment of the token is not canonical base64url.")
    return decoded


def _json_object(data: bytes, part: str) -> dict[str, Any]:
    try:
        value = json.loads(data.decode(), object_pairs_hook=_unique_members, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise TokenError("malformed", f"The token's {part} is not JSON with unique member names.") from None
    if not isinstance(value, dict):
        raise TokenError("malformed", f"The token's {part} is not a JSON object.")
    return value


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate member")
    return members


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _check_type(header: Mapping[str, Any]) -> None:
    typ = header.get("typ", "JWT")
    if not isinstance(typ, str) or typ.lower() not in ACCEPTED_TYPES:
        raise TokenError("wrong_type")
