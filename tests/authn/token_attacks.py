"""Crafted tokens (RFC 8725, sections 2 and 3), each with a part of the code of the refusal it must meet."""

import json
from collections.abc import Callable
from typing import Any

import jwt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.utils import base64url_decode

from .token_tools import ALGORITHMS, ORIGIN, SECRET, b64, claims, header, jwk, private_key, segment, signed, token


def unsigned(head: object, body: object = None) -> str:
    return f"{segment(head)}.{segment(claims() if body is None else body)}."


def hmac_with(material: bytes, head: object) -> str:
    signing_input = f"{segment(head)}.{segment(claims())}"
    return f"{signing_input}.{b64(ALGORITHMS['HS256'].sign(signing_input.encode(), material))}"


def pem(algorithm: str) -> bytes:
    return bytes(private_key(algorithm).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def embedded(**members: Any) -> str:
    """Signed by a key of the attacker's own, which the header carries or points to."""
    return signed(f"{segment(header('EdDSA', **members))}.{segment(claims())}", "EdDSA", number=66)


def resealed(change: Callable[[list[str]], str]) -> str:
    """A valid token whose three parts ``change`` rearranges."""
    return change(token().split("."))


def with_claim(text: str) -> str:
    """A correctly signed payload with ``text`` added as raw JSON."""
    return token(body=json.dumps(claims())[:-1] + f", {text}}}")


def with_header(text: str) -> str:
    return token(head=json.dumps(header("EdDSA"))[:-1] + f", {text}}}")


def swapped_bit(position: int) -> str:
    head, body, signature = token().split(".")
    raw = bytearray(base64url_decode(signature))
    raw[position] ^= 1
    return f"{head}.{body}.{b64(bytes(raw))}"


def _next(character: str) -> str:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return alphabet[alphabet.index(character) + 1]


ATTACKS: dict[str, tuple[str, Callable[[], str]]] = {
    # 2.1, 3.1: the algorithm is not the token's to choose
    "none": ("algorithm", lambda: unsigned({"alg": "none"})),
    "none in capitals": ("algorithm", lambda: unsigned({"alg": "NONE"})),
    "none in mixed case": ("algorithm", lambda: unsigned({"alg": "nOnE", "kid": "EdDSA-1"})),
    "none with the kid of a key": ("algorithm", lambda: unsigned({"alg": "none", "kid": "EdDSA-1"})),
    "none with somebody's signature": (
        "algorithm",
        lambda: unsigned({"alg": "none", "kid": "EdDSA-1"}) + b64(b"x" * 64),
    ),
    "empty alg": ("algorithm", lambda: unsigned({"alg": "", "kid": "EdDSA-1"})),
    "no alg": ("malformed", lambda: unsigned({"kid": "EdDSA-1"})),
    "null alg": ("malformed", lambda: unsigned({"alg": None, "kid": "EdDSA-1"})),
    "alg as a list": ("malformed", lambda: unsigned({"alg": ["EdDSA"], "kid": "EdDSA-1"})),
    "alg as an object": ("malformed", lambda: unsigned({"alg": {"x": 1}, "kid": "EdDSA-1"})),
    "alg with a space": ("algorithm", lambda: token(head=header("EdDSA", alg="EdDSA "))),
    "alg in lower case": ("algorithm", lambda: token(head=header("EdDSA", alg="eddsa"))),
    "alg Ed25519": ("algorithm", lambda: token(head=header("EdDSA", alg="Ed25519"))),
    "HS384 with the secret": ("algorithm", lambda: signed(f"{segment({'alg': 'HS384'})}.{segment(claims())}", "HS384")),
    "HS512 with the secret": ("algorithm", lambda: signed(f"{segment({'alg': 'HS512'})}.{segment(claims())}", "HS512")),
    "HS256 by the PEM of an EC key": ("signature", lambda: hmac_with(pem("ES256"), {"alg": "HS256", "kid": "ES256-1"})),
    "HS256 by the PEM of an RSA key": (
        "signature",
        lambda: hmac_with(pem("RS256"), {"alg": "HS256", "kid": "RS256-1"}),
    ),
    "HS256 by the raw Ed25519 key": (
        "signature",
        lambda: hmac_with(base64url_decode(jwk("EdDSA")["x"]), {"alg": "HS256", "kid": "EdDSA-1"}),
    ),
    "HS256 by the JWK as JSON": (
        "signature",
        lambda: hmac_with(json.dumps(jwk("RS256")).encode(), {"alg": "HS256", "kid": "RS256-1"}),
    ),
    "HS256 by an empty secret": ("signature", lambda: hmac_with(b"", {"alg": "HS256"})),
    "HS256 by the secret without its last character": (
        "signature",
        lambda: hmac_with(SECRET[:-1].encode(), {"alg": "HS256"}),
    ),
    "HS256 by the decoded secret": ("signature", lambda: hmac_with(bytes.fromhex(SECRET), {"alg": "HS256"})),
    "RS256 under a PS256 key": (
        "algorithm",
        lambda: signed(f"{segment(header('RS256', kid='PS256-1'))}.{segment(claims())}", "RS256"),
    ),
    "PS256 under an RS256 key": (
        "algorithm",
        lambda: signed(f"{segment(header('PS256', kid='RS256-1'))}.{segment(claims())}", "PS256"),
    ),
    "ES256 under an Ed25519 key": ("algorithm", lambda: token("ES256", head=header("ES256", kid="EdDSA-1"))),
    "EdDSA claimed for an ES256 signature": ("signature", lambda: token("ES256", head=header("EdDSA"))),
    # 2.2: signatures that are absent, foreign or bent
    "no signature": ("signature", lambda: unsigned(header("EdDSA"))),
    "a signature of zeros": ("signature", lambda: unsigned(header("EdDSA")) + b64(bytes(64))),
    "an ECDSA signature of zeros (CVE-2022-21449)": ("signature", lambda: unsigned(header("ES256")) + b64(bytes(64))),
    "an ECDSA signature in DER": (
        "signature",
        lambda: unsigned(header("ES256")) + b64(b"\x30\x06\x02\x01\x01\x02\x01\x01"),
    ),
    "a shortened signature": ("signature", lambda: resealed(lambda p: f"{p[0]}.{p[1]}.{p[2][:-6]}")),
    "a lengthened signature": ("signature", lambda: resealed(lambda p: f"{p[0]}.{p[1]}.{p[2]}{'AAAA' * 4}")),
    "the first bit of the signature": ("signature", lambda: swapped_bit(0)),
    "the last bit of the signature": ("signature", lambda: swapped_bit(63)),
    "another key's signature": (
        "signature",
        lambda: signed(f"{segment(header('EdDSA'))}.{segment(claims())}", "EdDSA", 66),
    ),
    "another payload under a real signature": (
        "signature",
        lambda: resealed(lambda p: f"{p[0]}.{segment(claims(sub='bob'))}.{p[2]}"),
    ),
    "another header under a real signature": (
        "signature",
        lambda: resealed(lambda p: f"{segment(header('EdDSA', x=1))}.{p[1]}.{p[2]}"),
    ),
    # 3.10, 3.11, 2.8: keys, addresses and kinds of token in the header
    "its own key in jwk": ("forbidden", lambda: embedded(jwk=jwk("EdDSA", number=66))),
    "its own key in jwk, without kid": (
        "forbidden",
        lambda: signed(f"{segment({'alg': 'EdDSA', 'jwk': jwk('EdDSA', number=66)})}.{segment(claims())}", "EdDSA", 66),
    ),
    "an address of keys in jku": ("forbidden", lambda: embedded(jku="https://evil.example/jwks")),
    "an address of a certificate in x5u": ("forbidden", lambda: embedded(x5u="https://evil.example/cert")),
    "a certificate in x5c": ("forbidden", lambda: embedded(x5c=["MIIB"])),
    "jku by the right key": ("forbidden", lambda: token(head=header("EdDSA", jku=f"{ORIGIN}/api/auth/jwks"))),
    "null jwk": ("forbidden", lambda: token(head=header("EdDSA", jwk=None))),
    "crit": ("forbidden", lambda: token(head=header("EdDSA", crit=["exp"]))),
    "empty crit": ("forbidden", lambda: token(head=header("EdDSA", crit=[]))),
    "crit b64": ("forbidden", lambda: token(head=header("EdDSA", crit=["b64"], b64=False))),
    "b64 false": ("forbidden", lambda: token(head=header("EdDSA", b64=False))),
    "the type of a cookie cache": ("type", lambda: token(head=header("EdDSA", typ="better-auth.session-cache+jwt"))),
    "the type of a logout token": ("type", lambda: token(head=header("EdDSA", typ="logout+jwt"))),
    "an audience of the cookie cache": ("audience", lambda: token(body=claims(aud="better-auth:session-cache"))),
    "kid as a path": ("unknown", lambda: embedded(kid="../../../../dev/null")),
    "kid as SQL": ("unknown", lambda: embedded(kid="x' UNION SELECT 'secret' --")),
    "kid with a NUL": ("unknown", lambda: embedded(kid="EdDSA-1\0")),
    "kid in another case": ("unknown", lambda: embedded(kid="EDDSA-1")),
    "empty kid": ("unknown", lambda: embedded(kid="")),
    "kid as a number": ("malformed", lambda: embedded(kid=1)),
    "kid as a list": ("malformed", lambda: embedded(kid=["EdDSA-1"])),
    "null kid": ("malformed", lambda: embedded(kid=None)),
    # 2.4, 2.6: what is parsed twice must read the same
    "alg twice": ("malformed", lambda: with_header('"alg": "EdDSA"')),
    "kid twice": ("malformed", lambda: with_header('"kid": "EdDSA-1"')),
    "alg twice by an escape": ("malformed", lambda: with_header('"\\u0061lg": "EdDSA"')),
    "sub twice": ("malformed", lambda: with_claim('"sub": "bob"')),
    "exp twice": ("malformed", lambda: with_claim('"exp": 99999999999')),
    "twice, deep inside": ("malformed", lambda: with_claim('"role": {"a": 1, "a": 2}')),
    "NaN": ("malformed", lambda: with_claim('"x": NaN')),
    "Infinity": ("malformed", lambda: with_claim('"x": -Infinity')),
    "a header in UTF-16": ("malformed", lambda: token(head=json.dumps(header("EdDSA")).encode("utf-16"))),
    "a payload in UTF-16": ("malformed", lambda: token(body=json.dumps(claims()).encode("utf-16"))),
    "a payload after a byte order mark": (
        "malformed",
        lambda: token(body=b"\xef\xbb\xbf" + json.dumps(claims()).encode()),
    ),
    "a payload that is no UTF-8": ("malformed", lambda: token(body=b'{"sub": "\xff"}')),
    "an encoded surrogate": ("malformed", lambda: token(body=b'{"sub": "\xed\xa0\x80"}')),
    "a payload that is a list": ("malformed", lambda: token(body=[claims()])),
    "a payload that is a string": ("malformed", lambda: token(body='"alice"')),
    "a header that is a list": ("malformed", lambda: token(head=["EdDSA"])),
    "a header that is null": ("malformed", lambda: token(head="null")),
    "an empty payload": ("malformed", lambda: token(body=b"")),
    "text after the payload": ("malformed", lambda: token(body=json.dumps(claims()) + " x")),
    "a deep header": ("malformed", lambda: token(head="[" * 4000)),
    "a deep payload": ("malformed", lambda: token(body="[" * 2500 + "]" * 2500)),
    "a number of 5,000 digits": ("malformed", lambda: with_claim('"x": ' + "9" * 5000)),
    "padding": ("malformed", lambda: resealed(lambda p: f"{p[0]}.{p[1]}.{p[2]}==")),
    "a padded header": ("malformed", lambda: resealed(lambda p: f"{p[0]}=.{p[1]}.{p[2]}")),
    "the standard alphabet": ("malformed", lambda: resealed(lambda p: f"{p[0]}.{p[1]}.+/{p[2][2:]}")),
    "a bit after the end of the signature": (
        "malformed",
        lambda: resealed(lambda p: f"{p[0]}.{p[1]}.{p[2][:-1]}{_next(p[2][-1])}"),
    ),
    "one character too many": ("malformed", lambda: resealed(lambda p: f"{p[0]}.{p[1]}.{p[2]}AAA")),
    "a line break": ("malformed", lambda: resealed(lambda p: f"{p[0]}.{p[1]}\n.{p[2]}")),
    "a trailing line break": ("malformed", lambda: token() + "\n"),
    "a NUL": ("malformed", lambda: token() + "\0"),
    "letters of another alphabet": ("malformed", lambda: resealed(lambda p: f"{p[0]}.{p[1]}.е{p[2][1:]}")),
    "a lone surrogate": ("malformed", lambda: resealed(lambda p: f"{p[0]}.{p[1]}.\ud800{p[2][1:]}")),
    "percent-encoding": ("malformed", lambda: resealed(lambda p: f"{p[0]}.{p[1]}.%41{p[2]}")),
    # segments, sizes, other kinds of token
    "nothing": ("not_a_jwt", lambda: ""),
    "a dot": ("not_a_jwt", lambda: "."),
    "two dots": ("malformed", lambda: ".."),
    "an opaque session token": ("not_a_jwt", lambda: "pTJGp5SrDDhSMxrW10jzxFy3G5TUPB4a"),
    "a signed session token": ("not_a_jwt", lambda: "pTJGp5SrDDhSMxrW10jzxFy3G5TUPB4a.xNb62CKlo6YkwlJd0O/RProhs54="),
    "two segments": ("not_a_jwt", lambda: resealed(lambda p: f"{p[0]}.{p[1]}")),
    "four segments": ("malformed", lambda: token() + ".AAAA"),
    "encrypted": (
        "encrypted",
        lambda: f"{segment({'alg': 'dir', 'enc': 'A256GCM'})}..{b64(b'iv')}.{b64(b'x')}.{b64(b't')}",
    ),
    "a signed token made five segments": ("encrypted", lambda: token() + ".."),
    "a detached payload": ("malformed", lambda: resealed(lambda p: f"{p[0]}..{p[2]}")),
    "9,000 characters": ("too_long", lambda: token(body=claims(pad="x" * 9000))),
    "a megabyte of dots": ("too_long", lambda: "." * 1_000_000),
    "JSON serialization": ("not_a_jwt", lambda: json.dumps({"payload": segment(claims()), "signatures": []})),
    # 3.8, 3.9, 3.12: claims
    "an email-verification token": (
        "claim",
        lambda: jwt.encode({"email": "alice@example.com", "iat": 1, "exp": 9999999999}, SECRET, "HS256"),
    ),
    "a cookie cache under the secret": (
        "claim",
        lambda: jwt.encode(
            {"session": {"userId": "alice"}, "user": {"id": "alice"}, "iat": 1, "exp": 9999999999}, SECRET, "HS256"
        ),
    ),
    "no claims at all": ("claim", lambda: token(body={})),
    "iss as a list": ("issuer", lambda: token(body=claims(iss=[ORIGIN]))),
    "iss null": ("claim", lambda: token(body=claims(iss=None))),
    "iss as a prefix": ("issuer", lambda: token(body=claims(iss=f"{ORIGIN}.evil.example"))),
    "aud as an object": ("audience", lambda: token(body=claims(aud={ORIGIN: 1}))),
    "aud with a number in it": ("audience", lambda: token(body=claims(aud=[ORIGIN, 1]))),
    "aud as nested lists": ("audience", lambda: token(body=claims(aud=[[ORIGIN]]))),
    "aud empty": ("claim", lambda: token(body=claims(aud=[]))),
    "sub as a number": ("claim", lambda: token(body=claims(sub=1))),
    "sub as true": ("claim", lambda: token(body=claims(sub=True))),
    "jti as a number": ("claim", lambda: token(body=claims(jti=1))),
    "exp in the past": ("expired", lambda: token(body=claims(exp=1))),
    "exp negative": ("expired", lambda: token(body=claims(exp=-1))),
    "exp zero": ("expired", lambda: token(body=claims(exp=0))),
    "exp in milliseconds as text": ("claim", lambda: token(body=claims(exp="1795231055000"))),
    "iat tomorrow": ("not_yet", lambda: token(body=claims(iat=99999999999))),
    "nbf tomorrow": ("not_yet", lambda: token(body=claims(nbf=99999999999))),
}
