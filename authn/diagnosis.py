"""Why a token is refused, in plain words: what it is, the rule it fails, the variable to change."""

import json
import time
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from .diagnosis_rules import Explanation, Facts, claim_problems, explain, shown
from .keys import HS256
from .token_errors import KeysUnavailable, TokenError
from .token_settings import TokenSettings
from .verifier import Verifier, key_set_status

_SHOWN_TIMES: Final = ("iat", "nbf", "exp")


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The verdict on one token; ``accepted`` is None when its key could not be fetched.

    ``code`` is "accepted", "keys_unavailable" or a code of ``REASONS``. ``token`` holds what the token says of itself,
    never its signature.
    """

    accepted: bool | None
    code: str
    summary: str
    problem: str
    remedy: str
    also: tuple[str, ...]
    token: Mapping[str, str]


async def diagnose(token: str, configured: TokenSettings, verifier: Verifier) -> Diagnosis:
    """Verify ``token`` as the API does and explain the outcome; may fetch the key set."""
    facts = read_facts(token)
    try:
        await verifier.verify(token)
    except KeysUnavailable as error:
        return _refused(None, error.code, error.detail, facts, configured)
    except TokenError as error:
        return _refused(False, error.code, error.detail, facts, configured)
    return Diagnosis(True, "accepted", _summary(facts), "", "", (), _described(facts))


def _refused(accepted: bool | None, code: str, detail: str, facts: Facts, configured: TokenSettings) -> Diagnosis:
    explanation: Explanation = explain(code, detail, facts, configured, key_set_status())
    also = [problem for other, problem in claim_problems(facts, configured.policy, time.time()) if other != code]
    return Diagnosis(
        accepted, code, _summary(facts), explanation.problem, explanation.remedy, tuple(also), _described(facts)
    )


def read_facts(token: str) -> Facts:
    """What the token says of itself, read as leniently as possible; nothing is verified."""
    segments = token.split(".")
    header = _json_segment(segments[0])
    claims = _json_segment(segments[1]) if len(segments) == 3 else {}
    return Facts(segments=len(segments), header=header, claims=claims)


def _json_segment(segment: str) -> Mapping[str, Any]:
    try:
        value = json.loads(urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _summary(facts: Facts) -> str:
    """The kind of the token, as a person would say it."""
    if facts.segments == 5:
        return "An encrypted token (JWE), such as Better Auth's encrypted cookie cache."
    if facts.segments != 3 or not facts.header:
        return "Not a JWT; perhaps a Better Auth session token."
    if facts.header.get("typ") == "better-auth.session-cache+jwt" or {"session", "user"} <= facts.claims.keys():
        return "Better Auth's cookie cache, not an API token."
    if "sub" not in facts.claims and "email" in facts.claims:
        return "A Better Auth email token (verification and the like), not an API token."
    if facts.algorithm == HS256:
        return "A JWT signed with a shared secret (HS256)."
    return f"A JWT signed with {shown(facts.algorithm)} under key {shown(facts.header.get('kid', '(unnamed)'))}."


def _described(facts: Facts) -> dict[str, str]:
    described = {name: shown(facts.header[name]) for name in ("alg", "kid", "typ") if name in facts.header}
    described |= {name: shown(facts.claims[name]) for name in ("sub", "iss", "aud") if name in facts.claims}
    described |= {name: _time(facts.claims[name]) for name in _SHOWN_TIMES if name in facts.claims}
    return described


def _time(value: object) -> str:
    try:
        return datetime.fromtimestamp(value, UTC).isoformat(timespec="seconds")  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError, OSError):
        return shown(value)
