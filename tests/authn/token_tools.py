"""Real keys and real tokens, and the means to craft ones that no library would sign."""

import base64
import json
import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import get_default_algorithms

from authn.keys import VerificationKey, parse_jwk, secret_key
from authn.tokens import Policy

SECRET = "d41f9ab2c07e4c5f8e6b3a7d9c2e1f0a5b8c7d6e"
ORIGIN = "https://auth.example.com"
POLICY = Policy(issuer=ORIGIN, audience=ORIGIN)
ABSENT = object()
ALGORITHMS = get_default_algorithms()
PUBLISHED = ("EdDSA", "ES256", "ES512", "RS256", "PS256")

_MAKERS: dict[str, Callable[[], Any]] = {
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ES384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "ES512": lambda: ec.generate_private_key(ec.SECP521R1()),
    "RS256": lambda: rsa.generate_private_key(65537, 2048),
    "PS256": lambda: rsa.generate_private_key(65537, 2048),
}


def private_key(algorithm: str, number: int = 1) -> Any:
    """The ``number``-th key of the test run for ``algorithm``; the secret's bytes for HS256."""
    return SECRET.encode() if algorithm.startswith("HS") else _made(algorithm, number)


@cache
def _made(algorithm: str, number: int) -> Any:
    return _MAKERS[algorithm]()


def jwk(algorithm: str, kid: str | None = None, number: int = 1, **changes: Any) -> dict[str, Any]:
    """The public key as Better Auth publishes it, with ``changes`` (ABSENT removes a member)."""
    key = ALGORITHMS[algorithm].to_jwk(private_key(algorithm, number).public_key(), as_dict=True)
    key.pop("key_ops", None)
    return without_absent({**key, "alg": algorithm, "kid": kid or f"{algorithm}-{number}", **changes})


def verification_key(algorithm: str, number: int = 1) -> VerificationKey:
    return secret_key(SECRET) if algorithm == "HS256" else parse_jwk(jwk(algorithm, number=number))


def claims(**changes: Any) -> dict[str, Any]:
    """What Better Auth's default token claims for alice, with ``changes`` (ABSENT removes a claim)."""
    now = int(time.time())
    person = {"id": "alice", "email": "alice@example.com", "name": "Alice", "emailVerified": True, "image": None}
    times = {"iat": now, "exp": now + 900}
    return without_absent({**person, "sub": "alice", **times, "iss": ORIGIN, "aud": ORIGIN, **changes})


def without_absent(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not ABSENT}


def header(algorithm: str, number: int = 1, /, **changes: Any) -> dict[str, Any]:
    """The header Better Auth writes: no kid for HS256, no typ under a published key."""
    usual = {"typ": "JWT"} if algorithm.startswith("HS") else {"kid": f"{algorithm}-{number}"}
    return without_absent({"alg": algorithm, **usual, **changes})


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def segment(part: Any) -> str:
    """A segment of ``part``: bytes and text are taken as they are, anything else as JSON."""
    if isinstance(part, str):
        part = part.encode()
    return b64(part if isinstance(part, bytes) else json.dumps(part).encode())


def signed(signing_input: str, algorithm: str, number: int = 1) -> str:
    """``signing_input`` with the signature of a key, whatever the input says."""
    signature = ALGORITHMS[algorithm].sign(signing_input.encode(), private_key(algorithm, number))
    return f"{signing_input}.{b64(signature)}"


def token(algorithm: str = "EdDSA", number: int = 1, *, head: Any = None, body: Any = None) -> str:
    """A token correctly signed by a key over any header and payload at all."""
    head = header(algorithm, number) if head is None else head
    body = claims() if body is None else body
    return signed(f"{segment(head)}.{segment(body)}", algorithm, number)
