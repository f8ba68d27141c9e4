"""Verification keys, each pinned to one algorithm: the seam between tokens and where their keys come from."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK
from jwt.exceptions import PyJWTError
from jwt.utils import base64url_encode

HS256: Final = "HS256"
MIN_SECRET_BYTES: Final = 32  # RFC 7518, section 3.2: at least the size of the hash
MIN_RSA_BITS: Final = 2048  # RFC 7518, section 3.3
# A larger modulus or exponent would hold the event loop for longer than the 2 ms a verification may take.
MAX_RSA_BITS: Final = 4096
MAX_RSA_EXPONENT: Final = 2**32

# algorithm → (kty, crv), RFC 7518 section 6 and RFC 8037 section 2
KEY_SHAPES: Final[dict[str, tuple[str, str | None]]] = {
    "EdDSA": ("OKP", "Ed25519"),
    "ES256": ("EC", "P-256"),
    "ES512": ("EC", "P-521"),
    "RS256": ("RSA", None),
    "PS256": ("RSA", None),
}
ASYMMETRIC_ALGORITHMS: Final = frozenset(KEY_SHAPES)
_PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


class UnusableKey(ValueError):
    """A key that cannot verify API tokens; the message says why, without key material."""


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A key and the only algorithm it verifies; two are equal when their material, algorithm and kid are."""

    fingerprint: str
    algorithm: str = field(compare=False)
    kid: str | None = field(compare=False)
    jwk: PyJWK = field(compare=False, repr=False)


class KeySource(Protocol):
    """Where asymmetric keys come from. ``JwksKeySet`` is the real one."""

    def find(self, kid: str | None, algorithm: str) -> VerificationKey | None:
        """A key known now; never waits."""

    async def find_after_fetch(self, kid: str | None, algorithm: str) -> VerificationKey:
        """The key, fetching the set when that is due; raises TokenError or KeysUnavailable."""

    async def replacement_for(self, key: VerificationKey) -> VerificationKey | None:
        """Another key published under the same kid, after a bounded refetch."""

    def refresh_if_due(self) -> None:
        """Start a refresh nobody waits for, when one is due."""


def secret_key(secret: str) -> VerificationKey:
    """The HS256 key of a shared secret: its UTF-8 bytes, nothing decoded, nothing trimmed.

    Raises UnusableKey for a secret under 32 bytes or one that is really a public key, certificate or JWK.
    """
    try:
        material = secret.encode()
    except UnicodeEncodeError:
        raise UnusableKey("it is not valid UTF-8") from None
    if len(material) < MIN_SECRET_BYTES:
        raise UnusableKey(f"it is {len(material)} bytes long, HS256 needs at least {MIN_SECRET_BYTES}")
    key = PyJWK({"kty": "oct", "alg": HS256, "k": base64url_encode(material).decode()})
    try:
        key.Algorithm.prepare_key(material)
    except PyJWTError:
        raise UnusableKey("it is a public key, a certificate or a JWK, not a random secret") from None
    return VerificationKey(fingerprint="secret", algorithm=HS256, kid=None, jwk=key)


def parse_jwk(raw: object) -> VerificationKey:
    """The verification key of one JWKS entry (RFC 7517); raises UnusableKey."""
    if not isinstance(raw, dict):
        raise UnusableKey("it is not a JSON object")
    if not _PRIVATE_MEMBERS.isdisjoint(raw):
        raise UnusableKey("it is a private or symmetric key, which must never be published")
    kid = raw.get("kid")
    if kid is not None and not isinstance(kid, str):
        raise UnusableKey("its kid is not a string")
    if raw.get("use", "sig") != "sig":
        raise UnusableKey('its use is not "sig"')
    if "verify" not in _as_list(raw.get("key_ops", ["verify"])):
        raise UnusableKey('its key_ops do not list "verify"')
    algorithm = _algorithm_of(raw)
    jwk = _public_key(raw, algorithm)
    return VerificationKey(fingerprint=_fingerprint(raw, algorithm), algorithm=algorithm, kid=kid, jwk=jwk)


def _as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _algorithm_of(raw: Mapping[str, Any]) -> str:
    """The pinned algorithm: ``alg``, else the one its type has; an RSA key without ``alg`` is for RS256 only."""
    shape = (raw.get("kty"), raw.get("crv") if raw.get("kty") != "RSA" else None)
    if "alg" in raw:
        algorithm = raw["alg"]
        if not isinstance(algorithm, str) or algorithm not in KEY_SHAPES:
            raise UnusableKey(f"its alg is none of {', '.join(KEY_SHAPES)}")
        if KEY_SHAPES[algorithm] != shape:
            raise UnusableKey(f"its kty and crv do not belong to {algorithm}")
        return algorithm
    for algorithm, known in KEY_SHAPES.items():
        if known == shape:
            return algorithm
    raise UnusableKey("its kty and crv belong to no accepted algorithm")


def _public_key(raw: Mapping[str, Any], algorithm: str) -> PyJWK:
    try:
        key = PyJWK(dict(raw), algorithm)
    except (PyJWTError, UnsupportedAlgorithm, TypeError, ValueError, OverflowError):
        raise UnusableKey("its parameters are no valid public key") from None
    if isinstance(key.key, RSAPublicKey):
        if not MIN_RSA_BITS <= key.key.key_size <= MAX_RSA_BITS:
            raise UnusableKey(f"RSA keys must have {MIN_RSA_BITS} to {MAX_RSA_BITS} bits")
        if key.key.public_numbers().e > MAX_RSA_EXPONENT:
            raise UnusableKey("its RSA exponent is too large")
    return key


def _fingerprint(raw: Mapping[str, Any], algorithm: str) -> str:
    members = {name: raw.get(name) for name in ("kty", "crv", "x", "y", "n", "e", "kid")}
    canonical = json.dumps({**members, "alg": algorithm}, sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()
