"""`authcheck` says in plain words what a token is, which rule it fails and what to change."""

import json
import time
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from pytest_django import Settings

from authn.diagnosis_rules import REMEDIES
from authn.token_errors import REASONS
from authn.verifier import reset_verifier

from .key_server import serving_thread
from .token_tools import ABSENT, ORIGIN, SECRET, claims, header, jwk, segment, signed, token

EXPLAINED_BY_THE_SETTINGS = {"wrong_issuer", "wrong_audience", "algorithm_not_accepted", "bad_signature", "unknown_key"}


@pytest.fixture(autouse=True)
def a_server_with_a_secret(settings: Settings) -> Any:
    settings.BETTER_AUTH_SECRET = SECRET
    for name in ("URL", "JWKS_URL", "ISSUER", "AUDIENCE"):
        setattr(settings, f"BETTER_AUTH_{name}", None)
    yield
    reset_verifier()


@pytest.fixture
def serve_keys() -> Iterator[Callable[..., str]]:
    with serving_thread() as serve:
        yield serve


def authcheck(*arguments: str) -> tuple[int, str]:
    """Exit code and output."""
    output, code = StringIO(), 0
    try:
        call_command("authcheck", *arguments, stdout=output)
    except SystemExit as exit_:
        code = int(str(exit_.code))
    return code, output.getvalue()


def test_an_accepted_token_is_described_without_its_signature() -> None:
    made = token("HS256", head=header("HS256", kid="k1"), body=claims(exp=9999999999))

    code, output = authcheck(made)

    assert code == 0
    assert output.splitlines()[-1] == "Accepted."
    assert "shared secret (HS256)" in output
    for line in ("alg: HS256", "kid: k1", "sub: alice", f"iss: {ORIGIN}", "exp: 2286-11-20T17:46:39+00:00"):
        assert f"  {line}\n" in output


@pytest.mark.parametrize("arguments", [[], ["--json"]])
@pytest.mark.parametrize("change", [{}, {"exp": 1}])
def test_neither_signature_nor_secret_nor_person_is_printed(arguments: list[str], change: dict[str, Any]) -> None:
    made = token("HS256", body=claims(**change))

    _, output = authcheck(made, *arguments)

    assert not any(part in output for part in (*made.split("."), SECRET, "alice@example.com"))


def test_the_wrong_audience_names_both_sides_and_the_variable(settings: Settings) -> None:
    settings.BETTER_AUTH_AUDIENCE = "http://localhost:3000"

    code, output = authcheck(token("HS256", body=claims(aud="http://127.0.0.1:3000")))

    assert code == 1
    assert (
        "Refused (wrong_audience): Its audience is http://127.0.0.1:3000, this server expects http://localhost:3000."
        in output
    )
    assert "set BETTER_AUTH_AUDIENCE=http://127.0.0.1:3000 here, or BETTER_AUTH_URL" in output


def test_everything_else_that_is_wrong_is_told_too(settings: Settings) -> None:
    settings.BETTER_AUTH_URL = "http://localhost:3000"
    hour_ago = int(time.time()) - 3600

    code, output = authcheck(token("HS256", body=claims(exp=hour_ago)))

    assert (code, "Refused (expired): It expired 36" in output) == (1, True)
    assert "Once that is solved: Its issuer is https://auth.example.com, this server expects" in output
    assert "Once that is solved: Its audience is" in output


def test_json_is_for_scripts(settings: Settings) -> None:
    settings.BETTER_AUTH_ISSUER = "https://other.example"

    code, output = authcheck("--json", token("HS256"))

    verdict = json.loads(output)
    assert (code, verdict["accepted"], verdict["code"]) == (1, False, "wrong_issuer")
    assert verdict["problem"] == f"Its issuer is {ORIGIN}, this server expects https://other.example."
    assert f"BETTER_AUTH_ISSUER={ORIGIN}" in verdict["remedy"]
    assert verdict["token"]["alg"] == "HS256"
    assert verdict["also"] == []


@pytest.mark.parametrize(
    "pasted", ["{}\n", "  {}  ", "Bearer {}", "Authorization: Bearer {}", "authorization:bearer {}"]
)
def test_a_pasted_header_is_read_from_standard_input(monkeypatch: pytest.MonkeyPatch, pasted: str) -> None:
    monkeypatch.setattr("sys.stdin", StringIO(pasted.format(token("HS256"))))

    assert authcheck("-")[0] == 0


@pytest.mark.parametrize("given", ["", " ", "Bearer "])
def test_no_token_is_no_question(given: str) -> None:
    with pytest.raises(CommandError, match="no token to check") as caught:
        authcheck(given)
    assert caught.value.returncode == 2


def forged() -> str:
    return f"{segment(header('HS256'))}.{segment(claims())}.{'A' * 43}"


@pytest.mark.parametrize(
    ("made", "code", "words"),
    [
        ("pTJGp5SrDDhSMxrW10jzxFy3G5TUPB4a", "not_a_jwt", ["session token", "GET /api/auth/token"]),
        ("a.b.c.d.e", "encrypted", ["encrypted", "GET /api/auth/token"]),
        ("a.b.c", "malformed", ["Not a JWT", "copied whole"]),
        ("x" * 9000, "too_long", ["8,192", "definePayload"]),
        (forged(), "bad_signature", ["Set BETTER_AUTH_SECRET to the very text"]),
        (token("EdDSA"), "algorithm_not_accepted", [f"Set BETTER_AUTH_URL={ORIGIN}.", "under key EdDSA-1"]),
        (token("EdDSA", body={}), "algorithm_not_accepted", ["the address of the Better Auth server"]),
        (token("HS256", head={"alg": "HS512"}), "algorithm_not_accepted", ["HS512; this server accepts HS256"]),
        (token("HS256", body={"email": "a@b.c", "exp": 9999999999}), "missing_claim", ["A Better Auth email token"]),
        (token("HS256", body={"session": {}, "user": {}, "exp": 9999999999}), "missing_claim", ["cookie cache"]),
        (token("HS256", head=header("HS256", typ="better-auth.session-cache+jwt")), "wrong_type", ["cookie cache"]),
        (token("HS256", head=header("HS256", jku="https://x")), "forbidden_header", ["Sign without jwk"]),
        (token("HS256", body=claims(iat=99999999999)), "not_yet_valid", ["clocks"]),
        (token("HS256", body=claims(sub=5)), "invalid_claim", ["sub (text)"]),
        (token("HS256", body=claims(exp=ABSENT)), "missing_claim", ['"exp"']),
        (token("HS256", body=claims(exp=[], nbf="soon")), "invalid_claim", ["exp: []", "nbf: soon"]),
        (token("HS256", body=claims(nbf=10**30)), "not_yet_valid", ["nbf: 1000000"]),
        (token("EdDSA", head=header("HS256", kid="\x1b[2J" + "k" * 300)), "bad_signature", ["'\\x1b[2J", "…"]),
    ],
)  # fmt: skip
def test_every_kind_of_refusal_says_what_to_do(made: str, code: str, words: list[str]) -> None:
    exit_code, output = authcheck(made)

    assert (exit_code, f"Refused ({code}): " in output) == (1, True)
    assert "What to do: " in output
    assert [word for word in words if word not in output] == []
    assert "\x1b" not in output


@pytest.mark.parametrize("aud", [["http://a.example", "b"], [], 5])
def test_an_audience_of_any_shape_is_shown(settings: Settings, aud: object) -> None:
    settings.BETTER_AUTH_AUDIENCE = "api"

    code, output = authcheck(token("HS256", body=claims(aud=aud)))

    assert code == 1
    assert f"Its audience is {aud}, this server expects api." in output


class TestWithPublishedKeys:
    """Against a key set on a real socket."""

    @pytest.fixture(autouse=True)
    def published(self, settings: Settings, serve_keys: Any) -> str:
        settings.BETTER_AUTH_SECRET = None
        settings.BETTER_AUTH_URL = serve_keys(jwk("EdDSA"))
        return str(settings.BETTER_AUTH_URL)

    def test_an_accepted_token_names_its_key(self, published: str) -> None:
        code, output = authcheck(token(body=claims(iss=published, aud=published)))

        assert (code, "A JWT signed with EdDSA under key EdDSA-1." in output) == (0, True)

    def test_an_unknown_key_names_the_place_that_was_asked(self, published: str) -> None:
        code, output = authcheck(token(head=header("EdDSA", kid="gone")))

        assert (code, "Refused (unknown_key)" in output) == (1, True)
        assert f"It names the key gone, which is none of the 1 published at {published}/api/auth/jwks." in output

    def test_a_signature_of_another_key(self, published: str) -> None:
        made = signed(f"{segment(header('EdDSA'))}.{segment(claims())}", "EdDSA", 2)

        code, output = authcheck(made)

        assert (code, f"The key EdDSA-1 published at {published}/api/auth/jwks did not sign it." in output) == (1, True)

    def test_a_shared_secret_token_without_the_secret(self) -> None:
        code, output = authcheck(token("HS256"))

        assert (code, "Set BETTER_AUTH_SECRET to the secret of the Better Auth server" in output) == (1, True)

    def test_another_algorithm_names_the_accepted_ones(self) -> None:
        _, output = authcheck(token(head=header("EdDSA", alg="RS512")))

        assert "RS512; this server accepts ES256, ES512, EdDSA, PS256, RS256." in output

    def test_missing_names_are_told(self) -> None:
        _, output = authcheck(token(body=claims(iss=ABSENT)))

        assert 'Refused (missing_claim): The token lacks the required claim "iss".' in output
        assert "Once that is solved: It names no issuer, this server expects http://127.0.0.1" in output
        assert "Once that is solved: Its audience is" in output

    def test_keys_that_cannot_be_fetched_leave_it_open(self, settings: Settings) -> None:
        settings.BETTER_AUTH_JWKS_URL = "http://user:password@127.0.0.1:9/keys?token=x"

        code, output = authcheck(token())

        assert code == 3
        assert "Cannot be checked (keys_unavailable): The keys at http://127.0.0.1:9/keys cannot be fetched: " in output
        assert "ConnectError" in output


def test_a_wrong_setting_is_named(settings: Settings) -> None:
    settings.BETTER_AUTH_URL = "localhost:3000"

    with pytest.raises(ImproperlyConfigured, match=r"^BETTER_AUTH_URL"):
        authcheck(token())


def test_every_reason_has_a_remedy() -> None:
    assert set(REMEDIES) | EXPLAINED_BY_THE_SETTINGS == set(REASONS)
