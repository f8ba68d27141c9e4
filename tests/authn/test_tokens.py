"""The policy: one token, one key → claims or a refusal. Every token here is really signed."""

import json
import math
import time

import jwt
import pytest

from authn.token_errors import REASONS, KeysUnavailable
from authn.tokens import Claims, Policy, TokenError

from .token_judging import refusal, verified
from .token_tools import (
    ABSENT,
    ORIGIN,
    PUBLISHED,
    SECRET,
    claims,
    private_key,
    token,
)

NO_POLICY = Policy(issuer=None, audience=None)


@pytest.mark.parametrize("algorithm", [*PUBLISHED, "HS256"])
def test_a_token_of_every_accepted_algorithm_names_its_person(algorithm: str) -> None:
    expires = int(time.time()) + 900

    found = verified(token(algorithm, body=claims(exp=expires)), algorithm)

    assert found == Claims(subject="alice", expires_at=float(expires), email="alice@example.com", name="Alice")


def test_a_token_made_by_another_library_call_is_accepted() -> None:
    made = jwt.encode(claims(), private_key("EdDSA"), algorithm="EdDSA", headers={"kid": "EdDSA-1", "typ": ""})

    assert verified(made).subject == "alice"


def test_a_hand_made_shared_secret_token_needs_only_sub_and_exp() -> None:
    body = {"sub": "alice", "exp": time.time() + 60}

    found = verified(token("HS256", body=body), "HS256")

    assert (found.subject, found.email, found.name) == ("alice", None, None)


@pytest.mark.parametrize("name", ["sub", "exp"])
@pytest.mark.parametrize("algorithm", ["EdDSA", "HS256"])
@pytest.mark.parametrize("value", [ABSENT, None])
def test_sub_and_exp_are_always_required(algorithm: str, name: str, value: object) -> None:
    refused = refusal(token(algorithm, body=claims(**{name: value})), algorithm)

    assert refused.code == "missing_claim"
    assert f'"{name}"' in refused.detail


@pytest.mark.parametrize("name", ["iss", "aud"])
def test_iss_and_aud_are_required_under_a_published_key(name: str) -> None:
    refused = refusal(token(body=claims(**{name: ABSENT})))

    assert (refused.code, f'"{name}"' in refused.detail) == ("missing_claim", True)


@pytest.mark.parametrize(("name", "code"), [("iss", "wrong_issuer"), ("aud", "wrong_audience")])
@pytest.mark.parametrize("algorithm", ["EdDSA", "HS256"])
def test_iss_and_aud_must_match_when_carried(algorithm: str, name: str, code: str) -> None:
    refused = refusal(token(algorithm, body=claims(**{name: "https://evil.example.com"})), algorithm)

    assert refused.code == code


@pytest.mark.parametrize("other", [f"{ORIGIN}/", ORIGIN.upper(), ORIGIN.replace("https", "http"), f"{ORIGIN}:443"])
@pytest.mark.parametrize(("name", "code"), [("iss", "wrong_issuer"), ("aud", "wrong_audience")])
def test_iss_and_aud_are_compared_byte_by_byte(name: str, code: str, other: str) -> None:
    assert refusal(token(body=claims(**{name: other}))).code == code


def test_without_expectations_a_shared_secret_token_may_carry_any_iss_and_aud() -> None:
    made = token("HS256", body=claims(iss="https://anyone.example", aud=["a", "b"]))

    assert verified(made, "HS256", NO_POLICY).subject == "alice"


@pytest.mark.parametrize(("name", "value"), [("iss", 5), ("iss", None), ("aud", {}), ("aud", None), ("aud", ["a", 1])])
def test_iss_and_aud_are_text_even_when_nothing_is_expected(name: str, value: object) -> None:
    refused = refusal(token("HS256", body=claims(**{name: value})), "HS256", NO_POLICY)

    assert (refused.code, f'"{name}"' in refused.detail) == ("invalid_claim", True)


@pytest.mark.parametrize("name", ["iss", "aud"])
def test_a_published_key_without_an_expectation_accepts_nothing(name: str) -> None:
    policy = Policy(issuer=None if name == "iss" else ORIGIN, audience=None if name == "aud" else ORIGIN)

    assert refusal(token(), policy=policy).code == {"iss": "wrong_issuer", "aud": "wrong_audience"}[name]


def test_aud_may_be_an_array_that_contains_the_audience() -> None:
    assert verified(token(body=claims(aud=["https://other.example", ORIGIN]))).subject == "alice"


@pytest.mark.parametrize("aud", [["https://other.example"], [f"{ORIGIN}x"]])
def test_an_array_without_the_audience_is_refused(aud: list[str]) -> None:
    assert refusal(token(body=claims(aud=aud))).code == "wrong_audience"


def test_the_leeway_is_ten_seconds() -> None:
    now = time.time()

    assert verified(token(body=claims(exp=now - 8))).subject == "alice"
    assert refusal(token(body=claims(exp=now - 12))).code == "expired"
    assert verified(token(body=claims(iat=now + 8))).subject == "alice"
    assert refusal(token(body=claims(iat=now + 12))).code == "not_yet_valid"
    assert verified(token(body=claims(nbf=now + 8))).subject == "alice"
    assert refusal(token(body=claims(nbf=now + 12))).code == "not_yet_valid"


def test_a_token_may_last_ten_years() -> None:
    assert verified(token(body=claims(exp=int(time.time()) + 3650 * 86400))).subject == "alice"


@pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
@pytest.mark.parametrize("value", ["soon", "9999999999", True, False, [], {}, [9999999999]])
def test_times_are_numbers(name: str, value: object) -> None:
    assert refusal(token(body=claims(**{name: value}))).code in {"invalid_claim", "expired", "not_yet_valid"}


@pytest.mark.parametrize("number", ["1e999", "-1e999", "9" * 400, "9" * 5000, "NaN", "Infinity"])
@pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
def test_times_are_finite(name: str, number: str) -> None:
    body = json.dumps(claims(**{name: "HERE"})).replace('"HERE"', number)

    assert refusal(token(body=body)).code in {"invalid_claim", "not_yet_valid", "malformed"}


@pytest.mark.parametrize("subject", ["a", "1", "é" * 255, "alice smith", "x" * 255, "A\u0301", "👩‍🚀"])
def test_a_subject_is_opaque_text(subject: str) -> None:
    assert verified(token(body=claims(sub=subject))).subject == subject


@pytest.mark.parametrize("subject", ["", "x" * 256, "a\0b", "\ud800", "a\udfffb", 7, 1.5, True, [], ["alice"], {}])
def test_a_subject_that_is_no_usable_text_is_refused(subject: object) -> None:
    assert refusal(token(body=claims(sub=subject))).code == "invalid_claim"


@pytest.mark.parametrize("value", [ABSENT, None, "", 5, [], "a\0b", "\ud800", "x" * 400])
def test_an_unusable_email_or_name_is_as_good_as_none(value: object) -> None:
    found = verified(token(body=claims(email=value, name=value)))

    assert (found.subject, found.email, found.name) == ("alice", None, None)


def test_every_refusal_has_a_sentence_that_repeats_nothing_of_the_token() -> None:
    error = TokenError("expired")

    assert all(sentence.endswith(".") for sentence in REASONS.values())
    assert (error.code, error.detail, str(error)) == (
        "expired",
        "The token has expired.",
        "expired: The token has expired.",
    )


def test_waiting_for_keys_is_at_least_a_second() -> None:
    assert KeysUnavailable(0).retry_after == 1
    assert KeysUnavailable(4).retry_after == 4


def test_the_secret_is_used_as_it_is() -> None:
    assert len(SECRET.encode()) >= 32
    assert math.isfinite(verified(token("HS256"), "HS256").expires_at)
