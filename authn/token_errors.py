"""Why a bearer token is refused: stable codes and the sentence a front-end developer reads."""

from typing import Final

REASONS: Final[dict[str, str]] = {
    "too_long": "The token is longer than 8,192 characters.",
    "not_a_jwt": "The bearer token is not a JWT; send the token that GET /api/auth/token answers with.",
    "encrypted": "The token is encrypted (a JWE); this API accepts signed tokens only.",
    "malformed": "The token is not a well-formed JWT.",
    "forbidden_header": "The token's header carries a member that this API never accepts.",
    "wrong_type": "The token's type is not that of an API token.",
    "algorithm_not_accepted": "The token's signature algorithm is not accepted here.",
    "algorithm_mismatch": "The token's signature algorithm is not the one its key is for.",
    "missing_kid": "The token does not name its key and several keys, or none, could fit.",
    "unknown_key": "The token names a key that the authentication server does not publish.",
    "bad_signature": "The token's signature does not match its key.",
    "missing_claim": "The token lacks a required claim.",
    "invalid_claim": "A claim of the token has a wrong type or value.",
    "expired": "The token has expired.",
    "not_yet_valid": "The token is not valid yet: its iat or nbf lies in the future.",
    "wrong_issuer": "The token comes from another issuer.",
    "wrong_audience": "The token is meant for another audience.",
}

KEYS_UNAVAILABLE: Final = "keys_unavailable"


class TokenError(Exception):
    """A token is refused (401).

    ``code`` is a key of ``REASONS`` and stable; ``detail`` is a sentence that is safe to show to the client: it never
    repeats a value from the token.
    """

    def __init__(self, code: str, detail: str | None = None) -> None:
        self.code = code
        self.detail = detail or REASONS[code]
        super().__init__(f"{code}: {self.detail}")


class KeysUnavailable(Exception):
    """No known key fits and the key set cannot be fetched (503); ``retry_after`` is in whole seconds, at least 1."""

    code = KEYS_UNAVAILABLE
    detail = "The keys of the authentication server cannot be fetched at the moment; try again shortly."

    def __init__(self, retry_after: int) -> None:
        self.retry_after = max(1, retry_after)
        super().__init__(self.detail)
