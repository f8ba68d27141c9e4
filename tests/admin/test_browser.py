"""The admin as staff see it, in a real Chromium."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.clients import NewUser, User
from tests.support.live_server import LiveServer

from .browsing import SignIn, name_of
from .people import MANAGE, READ, actions_of


def find(page: Page, person: User, by: str) -> None:
    """From the dashboard to somebody's account."""
    page.get_by_role("link", name="Accounts").first.click()
    page.get_by_placeholder("Beginning of subject, e-mail or name").fill(by)
    page.keyboard.press("Enter")
    page.get_by_role("link", name=person.subject, exact=True).click()
    expect(page.get_by_text(person.subject).first).to_be_visible()


def test_a_wrong_password_does_not_sign_in(server: LiveServer, browser: Browser) -> None:
    context = browser.new_context(base_url=f"{server.url}/admin/")
    page = context.new_page()
    page.goto("")
    page.get_by_label("Username").fill("nobody")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()

    expect(page.get_by_text("Please enter the correct username and password")).to_be_visible()
    context.close()


def test_support_finds_a_person_and_restores_what_they_miss(sign_in: SignIn, new_user: NewUser) -> None:
    carol = new_user("carol", name="Carol Okafor")
    task = carol.create_task("Gone")
    carol.trash(task["id"])
    page = sign_in(MANAGE)

    find(page, carol, "carol okaf")
    page.get_by_role("link", name="1 in the trash").click()
    page.get_by_role("link", name=task["id"]).click()
    page.get_by_role("link", name="Restore").click()
    page.get_by_label("Reason").fill("ticket 4711")
    page.get_by_role("button", name="Restore").click()

    expect(page.get_by_text("The task is restored.")).to_be_visible()
    assert carol.titles() == ["Gone"]


def test_suspending_in_the_browser_stops_the_api_at_once(sign_in: SignIn, alice: User) -> None:
    alice.create_task()
    page = sign_in(MANAGE)

    find(page, alice, alice.subject)
    page.get_by_role("link", name="Suspend").click()
    page.get_by_label("Reason").fill("ticket 4711")
    page.get_by_role("button", name="Suspend").click()
    expect(page.get_by_text("The account is suspended")).to_be_visible()

    assert alice.get("/tasks").json()["code"] == "account_suspended"


def test_erasing_in_the_browser_takes_the_typed_subject(sign_in: SignIn, alice: User) -> None:
    alice.create_task()
    page = sign_in(MANAGE)

    find(page, alice, alice.subject)
    page.get_by_role("link", name="Erase").click()
    page.get_by_label("Reason").fill("asked for")
    page.get_by_label("Type the subject to confirm").fill(alice.subject[:-1])
    page.get_by_role("button", name="Erase for good").click()
    expect(page.get_by_text("This is not the subject")).to_be_visible()
    still_there = len(alice.tasks())
    page.get_by_label("Type the subject to confirm").fill(alice.subject)
    page.get_by_role("button", name="Erase for good").click()
    expect(page.get_by_text("The account is erased.")).to_be_visible()

    assert still_there == 1
    assert alice.get("/tasks").json()["code"] == "account_erased"


def test_an_export_is_downloaded(sign_in: SignIn, alice: User) -> None:
    alice.create_task("Mine")
    page = sign_in(MANAGE)

    find(page, alice, alice.subject)
    page.get_by_role("link", name="Export").click()
    page.get_by_label("Reason").fill("asked for")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Export").click()

    assert json.loads(Path(waiting.value.path()).read_text())["tasks"][0]["title"] == "Mine"


def test_readers_see_no_buttons(sign_in: SignIn, alice: User) -> None:
    alice.get("/me")
    page = sign_in(READ)

    find(page, alice, alice.subject)

    for name in ("Suspend", "Reinstate", "Export", "Erase", "Audit log"):
        expect(page.get_by_role("link", name=name)).to_have_count(0)


def test_content_is_shown_on_request_and_hidden_again(sign_in: SignIn, alice: User) -> None:
    task = alice.create_task("A private plan")
    page = sign_in(MANAGE)

    page.goto(f"tasks/task/{task['id']}/change/")
    expect(page.get_by_text("A private plan")).to_have_count(0)
    page.get_by_role("link", name="Show content").click()
    page.get_by_label("Reason").fill("ticket 4711")
    page.get_by_role("button", name="Show content").click()
    expect(page.get_by_text("A private plan")).to_be_visible()
    page.get_by_role("link", name="Done").click()
    expect(page.get_by_text("A private plan")).to_have_count(0)

    assert "task.show_content" in actions_of(name_of(page))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_charts_are_drawn_in_both_themes(sign_in: SignIn, alice: User, scheme: str) -> None:
    alice.create_task(completed=True)
    page = sign_in(scheme=scheme)

    drawn = page.evaluate(
        """() => [...document.querySelectorAll("canvas.chart")].map(canvas => {
            const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
            return pixels.some((value, at) => at % 4 === 3 && value === 255);
        })"""
    )

    assert drawn == [True, True]


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("place", ["", "authn/account/", "tasks/task/", "authn/auditentry/"])
def test_nothing_sticks_out_of_the_page(sign_in: SignIn, alice: User, place: str, width: int) -> None:
    alice.create_task()
    page = sign_in(MANAGE)
    page.set_viewport_size({"width": width, "height": 800})

    page.goto(place)

    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
