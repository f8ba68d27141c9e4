"""One explanation for every reason a token can be refused for."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx

from .jwks import KeySetStatus
from .keys import ASYMMETRIC_ALGORITHMS, HS256
from .token_settings import TokenSettings, origin
from .tokens import LEEWAY_SECONDS, Policy

SEND_THE_RIGHT_ONE: Final = "Send the token of GET /api/auth/token, as in `Authorization: Bearer <token>`."
_MAX_SHOWN: Final = 200

REMEDIES: Final[dict[str, str]] = {
    "too_long": "Keep the payload small: let definePayload return only what the API needs (sub is enough).",
    "not_a_jwt": SEND_THE_RIGHT_ONE,
    "encrypted": SEND_THE_RIGHT_ONE,
    "malformed": f"Check that it was copied whole and changed by nobody. {SEND_THE_RIGHT_ONE}",
    "forbidden_header": "Sign without jwk, jku, x5u, x5c, crit and b64 in the header; a kid is enough.",
    "wrong_type": SEND_THE_RIGHT_ONE,
    "algorithm_mismatch": "Let the key set name the algorithm that Better Auth signs with, and sign in again.",
    "missing_kid": "Name the key: Better Auth always does; a custom signer must set kid in the header.",
    "missing_claim": SEND_THE_RIGHT_ONE,
    "invalid_claim": "Let Better Auth set sub (text), exp, iat and nbf (numbers), iss and aud (text).",
    "expired": "Get a new token; tokens last 15 minutes. The fetch wrapper in docs/better-auth.md renews them in time.",
    "not_yet_valid": f"Set the clocks of both machines (NTP); up to {LEEWAY_SECONDS} s of difference are tolerated.",
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What a token says of itself; nothing in it is verified."""

    segments: int
    header: Mapping[str, Any]
    claims: Mapping[str, Any]

    @property
    def algorithm(self) -> object:
        return self.header.get("alg")


@dataclass(frozen=True, slots=True)
class Explanation:
    problem: str
    remedy: str


def explain(code: str, detail: str, facts: Facts, configured: TokenSettings, keys: KeySetStatus) -> Explanation:
    """The rule that failed and what to change; ``detail`` is the sentence the API answers with."""
    claims = dict(claim_problems(facts, configured.policy, time.time()))
    match code:
        case "wrong_issuer":
            return Explanation(claims.get(code, detail), _name_remedy("BETTER_AUTH_ISSUER", facts.claims.get("iss")))
        case "wrong_audience":
            return Explanation(claims.get(code, detail), _name_remedy("BETTER_AUTH_AUDIENCE", facts.claims.get("aud")))
        case "algorithm_not_accepted":
            return _algorithm(facts, configured)
        case "bad_signature":
            return _signature(facts, configured)
        case "unknown_key":
            return Explanation(
                f"It names the key {shown(facts.header.get('kid'))}, which is none of the {keys.keys} published at "
                f"{_address(configured)}.",
                "Check that BETTER_AUTH_URL (or BETTER_AUTH_JWKS_URL) is the server that signed it; if it is, the key "
                "is retired: sign in again.",
            )
        case "keys_unavailable":
            return Explanation(
                f"The keys at {_address(configured)} cannot be fetched: {keys.last_error}.",
                "Start the Better Auth server, or correct BETTER_AUTH_URL or BETTER_AUTH_JWKS_URL.",
            )
        case _:
            return Explanation(claims.get(code, detail), REMEDIES[code])


def claim_problems(facts: Facts, policy: Policy, now: float) -> Iterator[tuple[str, str]]:
    """Every claim that would be refused, as (code, sentence), whichever is checked first."""
    claims, shared = facts.claims, facts.algorithm == HS256
    expires = claims.get("exp")
    if isinstance(expires, int | float) and 0 < expires <= now - LEEWAY_SECONDS:
        yield "expired", f"It expired {now - expires:.0f} s ago."
    for code, claim, word, wanted in (
        ("wrong_issuer", "iss", "issuer", policy.issuer),
        ("wrong_audience", "aud", "audience", policy.audience),
    ):
        carried = claims.get(claim)
        matches = wanted in carried if isinstance(carried, list) else carried == wanted
        if wanted is not None and not matches and (claim in claims or (claims and not shared)):
            found = f"Its {word} is {shown(carried)}" if claim in claims else f"It names no {word}"
            yield code, f"{found}, this server expects {wanted}."


def shown(value: object) -> str:
    """A value of the token, safe for a terminal: printable, quoted only when it is odd, cut when long."""
    text = value if isinstance(value, str) and value.isprintable() and value else ascii(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"


def _name_remedy(variable: str, carried: object) -> str:
    if isinstance(carried, list):
        carried = next(iter(carried), None)
    if not isinstance(carried, str) or not carried:
        return SEND_THE_RIGHT_ONE
    return (
        f"If you trust that server, set {variable}={shown(carried)} here, or BETTER_AUTH_URL when it is the address of "
        "the Better Auth server; else open the front end under the expected address (localhost and 127.0.0.1 differ)."
    )


def _algorithm(facts: Facts, configured: TokenSettings) -> Explanation:
    algorithm = facts.algorithm
    if algorithm == HS256:
        return Explanation(
            "It is signed with a shared secret, and this server has none.",
            "Set BETTER_AUTH_SECRET to the secret of the Better Auth server, or let Better Auth sign with its keys.",
        )
    if algorithm in ASYMMETRIC_ALGORITHMS:
        issuer = facts.claims.get("iss")
        address = shown(issuer) if isinstance(issuer, str) else "the address of the Better Auth server"
        return Explanation(
            f"It is signed with a published key ({algorithm}), and this server does not know where the keys are.",
            f"Set BETTER_AUTH_URL={address}.",
        )
    accepted = ", ".join(sorted(ASYMMETRIC_ALGORITHMS) if configured.jwks_url else [HS256])
    return Explanation(
        f"It is signed with {shown(algorithm)}; this server accepts {accepted}.",
        "Set keyPairConfig.alg of Better Auth's jwt plugin to one of them.",
    )


def _signature(facts: Facts, configured: TokenSettings) -> Explanation:
    if facts.algorithm == HS256:
        return Explanation(
            "The secret that signed it is not the BETTER_AUTH_SECRET of this server, or it was changed on the way.",
            "Set BETTER_AUTH_SECRET to the very text that Better Auth uses: no quotes, no spaces, nothing decoded.",
        )
    return Explanation(
        f"The key {shown(facts.header.get('kid'))} published at {_address(configured)} did not sign it.",
        "Sign in again; if that does not help, BETTER_AUTH_URL points to another server than the one that signs.",
    )


def _address(configured: TokenSettings) -> str:
    """The key set's address without credentials or query."""
    url = httpx.URL(configured.jwks_url or "")
    return f"{origin(url)}{url.path}"
