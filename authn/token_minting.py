"""HS256 tokens for trying the API by hand."""

import time

import jwt

from .jws import parse_token
from .keys import VerificationKey
from .tokens import Policy, verify_token


def mint(
    secret: VerificationKey,
    policy: Policy,
    subject: str,
    *,
    email: str | None = None,
    name: str | None = None,
    ttl: int = 3600,
) -> str:
    """A token that ``verify_token`` accepts for ``ttl`` seconds; raises TokenError when it would not."""
    issued_at = int(time.time())
    optional = {"iss": policy.issuer, "aud": policy.audience, "email": email, "name": name}
    claims: dict[str, str | int] = {"sub": subject, "iat": issued_at, "exp": issued_at + ttl}
    claims.update({claim: value for claim, value in optional.items() if value is not None})
    token = jwt.encode(claims, secret.jwk, algorithm=secret.algorithm)
    verify_token(parse_token(token), secret, policy)
    return token
