"""Which keys verify tokens, and the one algorithm each is pinned to."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from authn.keys import UnusableKey, parse_jwk, secret_key

from .token_tools import ABSENT, ALGORITHMS, PUBLISHED, SECRET, b64, jwk, private_key

PEM = private_key("RS256").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize("algorithm", PUBLISHED)
def test_a_published_key_is_pinned_to_its_algorithm(algorithm: str) -> None:
    key = parse_jwk(jwk(algorithm))

    assert (key.algorithm, key.kid, key.jwk.algorithm_name) == (algorithm, f"{algorithm}-1", algorithm)


@pytest.mark.parametrize(
    ("published", "derived"),
    [("EdDSA", "EdDSA"), ("ES256", "ES256"), ("ES512", "ES512"), ("RS256", "RS256"), ("PS256", "RS256")],
)
def test_without_alg_the_type_of_the_key_decides_and_rsa_means_rs256(published: str, derived: str) -> None:
    assert parse_jwk(jwk(published, alg=ABSENT)).algorithm == derived


def test_keys_are_equal_when_their_material_algorithm_and_kid_are() -> None:
    key = parse_jwk(jwk("RS256"))

    assert key == parse_jwk(jwk("RS256", use="sig", key_ops=["verify"], x5t="ignored"))
    assert (
        len(
            {key, parse_jwk(jwk("RS256", number=2)), parse_jwk(jwk("RS256", alg="PS256")), parse_jwk(jwk("RS256", "b"))}
        )
        == 4
    )


def rsa_jwk(bits: int, exponent: int = 65537) -> dict[str, Any]:
    public = rsa.generate_private_key(exponent, bits).public_key()
    return {**ALGORITHMS["RS256"].to_jwk(public, as_dict=True), "alg": "RS256", "kid": "r"}


def huge_exponent() -> dict[str, Any]:
    return {**jwk("RS256"), "e": b64((2**33 + 1).to_bytes(5, "big"))}


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ([], "not a JSON object"),
        ("key", "not a JSON object"),
        ({}, "no accepted algorithm"),
        ({"kty": "oct", "k": "c2VjcmV0", "alg": "HS256"}, "private or symmetric"),
        (jwk("EdDSA", d="AAAA"), "private or symmetric"),
        (jwk("RS256", p="AAAA"), "private or symmetric"),
        (jwk("EdDSA", 5), "kid is not a string"),  # type: ignore[arg-type]
        (jwk("EdDSA", use="enc"), "use"),
        (jwk("EdDSA", key_ops=["sign"]), "key_ops"),
        (jwk("EdDSA", key_ops="verify"), "key_ops"),
        (jwk("EdDSA", alg="HS256"), "alg is none of"),
        (jwk("EdDSA", alg="none"), "alg is none of"),
        (jwk("EdDSA", alg=None), "alg is none of"),
        (jwk("EdDSA", alg=["EdDSA"]), "alg is none of"),
        (jwk("RS256", alg="RS512"), "alg is none of"),
        (jwk("ES384"), "alg is none of"),
        (jwk("ES384", alg="ES256"), "do not belong to ES256"),
        (jwk("ES384", alg=ABSENT), "no accepted algorithm"),
        (jwk("EdDSA", alg="ES256"), "do not belong to ES256"),
        (jwk("EdDSA", alg="RS256"), "do not belong to RS256"),
        (jwk("EdDSA", crv="Ed448"), "do not belong to EdDSA"),
        (jwk("EdDSA", crv=["Ed25519"]), "do not belong to EdDSA"),
        (jwk("EdDSA", x="AAAA"), "no valid public key"),
        (jwk("EdDSA", x=ABSENT), "no valid public key"),
        (jwk("EdDSA", x=5), "no valid public key"),
        (jwk("ES256", x=jwk("ES256")["y"]), "no valid public key"),
        (jwk("RS256", n=""), "no valid public key"),
        (jwk("RS256", e="Ag"), "no valid public key"),
        (rsa_jwk(1024), "2048 to 4096 bits"),
        (rsa_jwk(4104), "2048 to 4096 bits"),
        (huge_exponent(), "exponent"),
    ],
)  # fmt: skip
def test_a_key_that_cannot_verify_tokens_says_why(raw: object, reason: str) -> None:
    with pytest.raises(UnusableKey, match=reason):
        parse_jwk(raw)


def test_the_secret_is_its_utf8_bytes() -> None:
    assert secret_key("é" * 16).jwk.key == ("é" * 16).encode()
    assert secret_key(f" {SECRET} ").jwk.key == f" {SECRET} ".encode()


@pytest.mark.parametrize(
    ("secret", "reason"),
    [
        ("x" * 31, "31 bytes long, HS256 needs at least 32"),
        ("", "0 bytes"),
        ("x" * 40 + "\udcff", "not valid UTF-8"),
        (
            private_key("RS256").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
            "public key",
        ),
        ('{"kty": "oct", "k": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}', "public key"),
    ],
)
def test_an_unusable_secret_says_why(secret: str, reason: str) -> None:
    with pytest.raises(UnusableKey, match=reason):
        secret_key(secret)


def test_neither_key_shows_its_material() -> None:
    assert SECRET not in repr(secret_key(SECRET))
    assert jwk("EdDSA")["x"] not in repr(parse_jwk(jwk("EdDSA")))
