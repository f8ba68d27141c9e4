"""Tokens as Better Auth's HS256 signer makes them, for the demo users."""

import time
from functools import cache

import jwt

from bench.places import SECRET

LIFETIME = 24 * 3600  # seconds


@cache
def token(subject: str) -> str:
    now = int(time.time())
    claims = {
        "sub": subject,
        "email": f"{subject}@example.com",
        "name": f"Demo {subject}",
        "iat": now,
        "exp": now + LIFETIME,
    }
    return jwt.encode(claims, SECRET, algorithm="HS256")


def forged() -> str:
    """A token that somebody without the secret made."""
    return jwt.encode({"sub": "demo-1", "exp": int(time.time()) + LIFETIME}, SECRET[::-1], algorithm="HS256")
