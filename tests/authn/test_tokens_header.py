"""Header, size and form of a token: what is refused before its claims count."""

import pytest

from authn.jws import MAX_TOKEN_CHARS

from .token_judging import refusal, verified
from .token_tools import ABSENT, PUBLISHED, claims, header, token


def test_exactly_the_longest_token_is_accepted() -> None:
    assert len(_token_of(MAX_TOKEN_CHARS)) == MAX_TOKEN_CHARS
    assert verified(_token_of(MAX_TOKEN_CHARS), "HS256").subject == "alice"


def test_a_longer_token_is_refused_unparsed() -> None:
    assert refusal("!" * (MAX_TOKEN_CHARS + 1)).code == "too_long"
    assert refusal(_token_of(MAX_TOKEN_CHARS + 1), "HS256").code == "too_long"


def _token_of(length: int) -> str:
    """An HS256 token of ``length`` characters; a base64url segment has no length of 4n+1, so the header pads too."""
    for extra in range(4):
        head = header("HS256", kid="k" * (1 + extra))
        spare = length - len(token("HS256", head=head, body=claims(pad="")))
        for pad in range(spare * 3 // 4 - 3, spare * 3 // 4 + 3):
            made = token("HS256", head=head, body=claims(pad="x" * pad))
            if len(made) == length:
                return made
    raise AssertionError(f"no token has {length} characters")


@pytest.mark.parametrize("typ", [ABSENT, "JWT", "jwt", "at+jwt", "AT+JWT"])
def test_the_types_of_api_tokens_are_accepted_in_any_case(typ: object) -> None:
    assert verified(token(head=header("EdDSA", typ=typ))).subject == "alice"


@pytest.mark.parametrize(
    "typ", ["", "JWS", "JOSE", "better-auth.session-cache+jwt", "logout+jwt", "dpop+jwt", "jwt ", None, 1, ["JWT"]]
)
def test_any_other_type_is_refused(typ: object) -> None:
    assert refusal(token(head=header("EdDSA", typ=typ))).code == "wrong_type"


@pytest.mark.parametrize("name", ["jwk", "jku", "x5u", "x5c", "crit", "b64"])
@pytest.mark.parametrize("algorithm", ["EdDSA", "HS256"])
def test_a_token_brings_no_key_and_no_extension_even_when_correctly_signed(algorithm: str, name: str) -> None:
    refused = refusal(token(algorithm, head=header(algorithm, **{name: ["exp"]})), algorithm)

    assert refused.code == "forbidden_header"


def test_a_harmless_kid_in_a_shared_secret_token_changes_nothing() -> None:
    assert verified(token("HS256", head=header("HS256", kid="whatever")), "HS256").subject == "alice"


@pytest.mark.parametrize("signer", [*PUBLISHED, "HS256"])
@pytest.mark.parametrize("key", [*PUBLISHED, "HS256"])
def test_a_key_verifies_its_own_algorithm_only(signer: str, key: str) -> None:
    if signer == key:
        assert verified(token(signer), key).subject == "alice"
    else:
        assert refusal(token(signer), key).code == "algorithm_mismatch"


def test_white_space_is_never_trimmed() -> None:
    made = token()
    head, body, signature = made.split(".")
    spaced = [f" {made}", f"{made} ", f"{made}\n", f"{head}. {body}.{signature}", f"{head}\t.{body}.{signature}"]

    assert [refusal(text).code for text in spaced] == ["malformed"] * len(spaced)
