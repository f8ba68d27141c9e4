"""Every way Better Auth signs tokens, end to end: signed up over HTTP, known to the API as the right person."""

import pytest
from pytest_django import Settings

from .conftest import SECRET, Api, NewServer
from .process import kid_of

PUBLISHED = ["EdDSA", "ES256", "ES512", "RS256", "PS256"]


@pytest.mark.parametrize("algorithm", [*PUBLISHED, "HS256"])
def test_people_signed_in_by_better_auth_have_tasks_of_their_own(
    any_server: NewServer, api: Api, settings: Settings, algorithm: str
) -> None:
    auth = any_server(algorithm=algorithm)
    if algorithm == "HS256":
        settings.BETTER_AUTH_SECRET = SECRET
    else:
        settings.BETTER_AUTH_URL = auth.url
    alice, bob = auth.sign_up("Alice"), auth.sign_up("Bob")

    with api.client(alice.token()) as hers, api.client(bob.token()) as his:
        made = hers.post("/tasks", json={"title": "Buy oat milk"})
        me = hers.get("/me").json()

        assert made.status_code == 201
        assert (me["id"], me["email"], me["name"]) == (alice.id, alice.email, "Alice")
        assert me["tasks"]["open"] == 1
        assert his.get("/me").json()["id"] == bob.id
        assert his.get(f"/tasks/{made.json()['id']}").status_code == 404
        assert his.get("/tasks").json()["items"] == []


def test_both_kinds_of_token_work_during_a_migration(any_server: NewServer, api: Api, settings: Settings) -> None:
    old, new = any_server(algorithm="HS256"), any_server(algorithm="EdDSA")
    settings.BETTER_AUTH_SECRET = SECRET
    settings.BETTER_AUTH_URL = new.url
    settings.BETTER_AUTH_ISSUER = settings.BETTER_AUTH_AUDIENCE = None

    assert api.get("/me", new.sign_up("Alice").token()).status_code == 200
    assert "another issuer" in api.reason(old.sign_up("Alice").token())


def test_one_server_may_change_from_the_secret_to_keys(new_server: NewServer, api: Api, settings: Settings) -> None:
    before = new_server(algorithm="HS256")
    settings.BETTER_AUTH_SECRET, settings.BETTER_AUTH_URL = SECRET, before.url
    old_token = before.sign_up("Alice").token()
    before.stop()
    after = new_server(algorithm="EdDSA", port=before.port)

    new_token = after.sign_up("Alice").token()

    assert [api.get("/me", token).status_code for token in (old_token, new_token)] == [200, 200]


def test_the_token_in_the_header_of_the_session_is_as_good(any_server: NewServer, api: Api, settings: Settings) -> None:
    auth = any_server()
    settings.BETTER_AUTH_URL = auth.url
    alice = auth.sign_up("Alice")

    token = alice.get("/get-session").headers["set-auth-jwt"]

    assert api.get("/me", token).json()["id"] == alice.id


def test_a_minimal_payload_is_enough(any_server: NewServer, api: Api, settings: Settings) -> None:
    auth = any_server(minimalPayload=True)
    settings.BETTER_AUTH_URL = auth.url
    alice = auth.sign_up("Alice")

    me = api.get("/me", alice.token()).json()

    assert (me["id"], me["email"], me["name"]) == (alice.id, None, None)


def test_an_audience_of_several_names_contains_ours(any_server: NewServer, api: Api, settings: Settings) -> None:
    auth = any_server(audience=("https://other.example", "todo-api"))
    settings.BETTER_AUTH_URL = auth.url
    token = auth.sign_up("Alice").token()

    assert "another audience" in api.reason(token)
    settings.BETTER_AUTH_AUDIENCE = "todo-api"
    assert api.get("/me", token).status_code == 200


def test_localhost_and_127_0_0_1_are_different_issuers(any_server: NewServer, api: Api, settings: Settings) -> None:
    auth = any_server()
    settings.BETTER_AUTH_URL = f"http://127.0.0.1:{auth.port}"

    assert "another issuer" in api.reason(auth.sign_up("Alice").token())


def test_sign_out_leaves_issued_tokens_valid_until_they_expire(
    any_server: NewServer, api: Api, settings: Settings
) -> None:
    auth = any_server(admin=True)
    settings.BETTER_AUTH_URL = auth.url
    alice = auth.sign_up("Alice")
    token = alice.token()

    assert alice.post("/sign-out", json={}).status_code == 200

    assert alice.get("/token").status_code == 401
    assert api.get("/me", token).status_code == 200


class TestTokensOfOtherKinds:
    """What Better Auth signs for purposes of its own is no API token, whichever keys are configured."""

    @pytest.fixture(params=["secret", "keys", "both"])
    def known(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    def configure(self, settings: Settings, url: str, known: str) -> None:
        settings.BETTER_AUTH_SECRET = SECRET if known != "keys" else None
        settings.BETTER_AUTH_URL = url if known != "secret" else None

    @pytest.mark.parametrize("strategy", ["jwks", "secret"])
    def test_the_cookie_cache_is_refused(
        self, any_server: NewServer, api: Api, settings: Settings, known: str, strategy: str
    ) -> None:
        auth = any_server(cookieCache=strategy)
        self.configure(settings, auth.url, known)
        alice = auth.sign_up("Alice")
        if known != "secret":
            assert api.get("/me", alice.token()).status_code == 200

        cached = alice.signed_up.cookies["better-auth.session_data"]

        assert cached.count(".") == 2
        assert api.reason(cached)

    def test_the_session_token_is_refused(
        self, any_server: NewServer, api: Api, settings: Settings, known: str
    ) -> None:
        auth = any_server()
        self.configure(settings, auth.url, known)
        alice = auth.sign_up("Alice")

        opaque = [alice.signed_up.json()["token"], alice.signed_up.headers["set-auth-token"]]

        assert all("not a JWT" in api.reason(token) for token in opaque)

    def test_the_email_verification_token_is_refused(
        self, any_server: NewServer, api: Api, settings: Settings, known: str
    ) -> None:
        auth = any_server()
        self.configure(settings, auth.url, known)
        mailbox = auth.sign_up("Alice").get(f"{auth.url}/last-verification-token").json()

        assert api.reason(mailbox["token"])


def test_the_cookie_cache_is_signed_by_the_same_key_as_api_tokens(any_server: NewServer) -> None:
    alice = any_server(cookieCache="jwks").sign_up("Alice")

    assert kid_of(alice.signed_up.cookies["better-auth.session_data"]) == kid_of(alice.token())
