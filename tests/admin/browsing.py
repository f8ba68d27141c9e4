"""Chromium, and staff who sign in with it."""

import os
from collections.abc import Callable, Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.support.live_server import LiveServer

from .people import PASSWORD, make_staff

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
SignIn = Callable[..., Page]
Scheme = Literal["light", "dark"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Of this module only: while it runs, Django takes this thread for an asynchronous one."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def sign_in(server: LiveServer, browser: Browser) -> Iterator[SignIn]:
    """Sign a new member of the staff in; their page fails the test when the browser reports an error."""
    errors: list[str] = []
    contexts = []

    def heard(message: ConsoleMessage) -> None:
        if message.type == "error" and "422" not in message.text:  # a form that asks for more
            errors.append(message.text)

    def open_page(*groups: str, scheme: Scheme = "light") -> Page:
        context = browser.new_context(
            base_url=f"{server.url}/admin/", color_scheme=scheme, viewport={"width": 1280, "height": 860}
        )
        contexts.append(context)
        page = context.new_page()
        page.name = make_staff(*groups)  # type: ignore[attr-defined]
        page.on("console", heard)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto("")
        page.get_by_label("Username").fill(page.name)  # type: ignore[attr-defined]
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []


def name_of(page: Page) -> str:
    return str(page.name)  # type: ignore[attr-defined]
