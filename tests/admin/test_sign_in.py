from collections.abc import Iterator

import pytest
from axes.utils import reset
from pytest_django.fixtures import Settings

from tests.support.clients import User
from tests.support.live_server import LiveServer

from .people import Staff, actions_of, in_thread, make_staff

SOMEWHERE = "203.0.113.7"


@pytest.fixture
def visitor(server: LiveServer, database: None, settings: Settings) -> Iterator[Staff]:
    """Somebody of the staff, not signed in, at an address of their own."""
    settings.TRUSTED_PROXIES = ["127.0.0.1"]
    with Staff(server.url, make_staff(), {"X-Forwarded-For": SOMEWHERE}) as staff:
        yield staff
    in_thread(lambda: reset(ip=SOMEWHERE))


def test_nobody_sees_the_admin_without_signing_in(visitor: Staff) -> None:
    response = visitor.get("/authn/account/")

    assert response.url.path == "/admin/login/"


def test_a_person_who_is_not_staff_is_not_let_in(server: LiveServer, alice: User) -> None:
    response = alice.get(f"{server.url}/admin/authn/account/", follow_redirects=True)

    assert response.url.path == "/admin/login/"


def test_the_session_is_for_the_admin_only_and_out_of_reach_of_scripts(visitor: Staff) -> None:
    visitor.follow_redirects = False

    cookies = visitor.sign_in().headers.get_list("set-cookie")

    session = next(cookie for cookie in cookies if cookie.startswith("sessionid="))
    assert {"HttpOnly", "Path=/admin/", "SameSite=Lax"} <= set(session.split("; "))


def test_signing_in_and_out_is_on_record(visitor: Staff) -> None:
    visitor.sign_in()
    visitor.post("/logout/", data={"csrfmiddlewaretoken": visitor.cookies["csrftoken"]})

    assert actions_of(visitor.name) == ["staff.sign_in", "staff.sign_out"]


def test_guessing_passwords_is_stopped_for_the_address_and_the_right_one_does_not_help(visitor: Staff) -> None:
    for _ in range(10):
        visitor.sign_in("a guess")

    response = visitor.sign_in()

    assert response.status_code == 429
    assert "Too many attempts" in response.text


def test_guessing_from_one_address_stops_nobody_at_another(visitor: Staff) -> None:
    for _ in range(11):
        visitor.sign_in("a guess")
    visitor.headers["X-Forwarded-For"] = "203.0.113.8"

    response = visitor.sign_in()

    assert response.url.path == "/admin/password_change/"


def test_the_api_does_not_know_the_throttling_of_the_staff(visitor: Staff, alice: User) -> None:
    for _ in range(11):
        visitor.sign_in("a guess")

    response = alice.get("/me", headers={"X-Forwarded-For": SOMEWHERE})

    assert response.status_code == 200
