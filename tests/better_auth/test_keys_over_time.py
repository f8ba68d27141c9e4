"""Rotation, restarts, recreated databases and outages of a real Better Auth server."""

import pytest
from pytest_django import Settings

from authn import jwks

from .conftest import Api, NewServer
from .process import kid_of


def test_a_token_under_a_rotated_key_is_accepted_at_once(new_server: NewServer, api: Api, settings: Settings) -> None:
    auth = new_server(rotationInterval=1)
    settings.BETTER_AUTH_URL = auth.url
    alice = auth.sign_up("Alice")
    first, spare = alice.two_tokens_of_one_key()
    assert api.get("/me", first).status_code == 200

    rotated = alice.token_under_another_key(first)

    assert api.get("/me", rotated).status_code == 200
    assert [api.get("/me", token).status_code for token in (first, spare)] == [200, 200]


def test_a_restart_of_the_auth_server_changes_nothing(new_server: NewServer, api: Api, settings: Settings) -> None:
    auth = new_server()
    settings.BETTER_AUTH_URL = auth.url
    alice = auth.sign_up("Alice")
    before = alice.token()
    assert api.get("/me", before).status_code == 200

    auth.restart()
    after = alice.token()

    assert kid_of(after) == kid_of(before)
    assert api.get("/me", after).json()["id"] == alice.id


def test_a_recreated_database_that_reuses_the_kid_costs_one_fetch(
    new_server: NewServer, api: Api, settings: Settings
) -> None:
    first = new_server(serialIds=True)
    settings.BETTER_AUTH_URL = first.url
    old = first.sign_up("Alice").token()
    assert api.get("/me", old).status_code == 200
    first.stop()
    second = new_server(serialIds=True, port=first.port)

    new = second.sign_up("Alice").token()

    assert (kid_of(old), kid_of(new)) == ("1", "1")
    assert api.get("/me", new).status_code == 200
    assert "signature" in api.reason(old)


def test_a_cold_outage_is_503_and_ends_with_it(
    new_server: NewServer, api: Api, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    auth = new_server()
    settings.BETTER_AUTH_URL = auth.url
    token = auth.sign_up("Alice").token()
    auth.stop()

    down = api.get("/me", token)

    assert (down.status_code, down.json()["code"]) == (503, "unavailable")
    assert 1 <= int(down.headers["Retry-After"]) <= 5
    auth.start()
    monkeypatch.setattr(jwks, "DEMAND_SECONDS", 0.0)
    assert api.get("/me", token).status_code == 200


def test_a_warm_outage_is_felt_by_new_keys_only(new_server: NewServer, api: Api, settings: Settings) -> None:
    auth = new_server(rotationInterval=1)
    settings.BETTER_AUTH_URL = auth.url
    alice = auth.sign_up("Alice")
    remembered, spare = alice.two_tokens_of_one_key()
    assert api.get("/me", remembered).status_code == 200
    rotated = alice.token_under_another_key(remembered)

    auth.stop()

    assert [api.get("/me", token).status_code for token in (remembered, spare)] == [200, 200]
    assert api.get("/me", rotated).status_code == 503
    assert api.get("/me", spare).status_code == 200
