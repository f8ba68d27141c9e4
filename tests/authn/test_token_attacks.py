"""Crafted, mutated and random tokens: never accepted, and never anything but a TokenError."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from authn.jws import parse_token
from authn.keys import VerificationKey
from authn.tokens import TokenError, verify_token

from .token_attacks import ATTACKS
from .token_tools import POLICY, claims, header, segment, signed, token, verification_key

KEYS = {algorithm: verification_key(algorithm) for algorithm in ("EdDSA", "ES256", "RS256", "PS256", "HS256")}


def judge(text: str) -> None:
    """Everything the verifier does once it has both kinds of key; returns for an accepted token."""
    parsed = parse_token(text)
    verify_token(parsed, _key_for(parsed.kid, parsed.algorithm), POLICY)


def _key_for(kid: str | None, algorithm: str) -> VerificationKey:
    if algorithm == "HS256":
        return KEYS["HS256"]
    key = next((key for key in KEYS.values() if key.kid == kid), None)
    if key is None:
        raise TokenError("unknown_key")
    return key


def test_there_are_enough_attacks() -> None:
    assert len(ATTACKS) >= 60


@pytest.mark.parametrize("name", ATTACKS)
def test_a_crafted_token_is_refused_for_the_right_reason(name: str) -> None:
    reason, craft = ATTACKS[name]

    with pytest.raises(TokenError) as caught:
        judge(craft())

    assert reason in caught.value.code


def test_the_tokens_the_attacks_start_from_are_valid() -> None:
    for algorithm in KEYS:
        judge(token(algorithm))


@given(position=st.integers(0, 10_000), replacement=st.characters(codec="utf-8"), length=st.integers(0, 3))
@settings(max_examples=600, deadline=None)
@example(position=0, replacement=" ", length=0)
def test_a_valid_token_with_any_part_replaced_is_refused(position: int, replacement: str, length: int) -> None:
    original = MUTATED
    at = position % (len(original) + 1)
    mutated = original[:at] + replacement + original[at + length :]
    if mutated == original:
        return

    with pytest.raises(TokenError):
        judge(mutated)


@given(
    head=st.dictionaries(
        st.sampled_from(["alg", "kid", "typ", "crit", "jwk", "x"]),
        st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text()),
    ),
    body=st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from(["sub", "exp", "iat", "iss", "aud", "x"]), inner)
        ),
        max_leaves=8,
    ),
)
@settings(max_examples=400, deadline=None)
def test_arbitrary_json_under_a_valid_signature_is_refused(head: dict[str, object], body: object) -> None:
    made = signed(f"{segment({**header('EdDSA'), **head})}.{segment(json.dumps(body))}", "EdDSA")

    with pytest.raises(TokenError):
        judge(made)


@given(st.text(max_size=300) | st.lists(st.text("ABab01-_", max_size=60), min_size=1, max_size=6).map(".".join))
@settings(max_examples=400, deadline=None)
def test_arbitrary_text_is_refused(text: str) -> None:
    with pytest.raises(TokenError):
        judge(text)


MUTATED = token("EdDSA", body=claims(exp=9999999999))
