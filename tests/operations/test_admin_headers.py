import httpx
import pytest

from tests.support.live_server import LiveServer


@pytest.mark.parametrize("path", ["/admin/login/", "/admin/", "/nothing"])
def test_pages_forbid_foreign_and_inline_scripts_frames_and_caching(server: LiveServer, path: str) -> None:
    page = httpx.get(f"{server.url}{path}", follow_redirects=True)

    policy = dict(part.split(" ", 1) for part in page.headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == "'self' 'unsafe-eval'"
    assert policy["form-action"] == "'self'"
    assert "no-store" in page.headers["Cache-Control"]
    assert page.headers["X-Frame-Options"] == "DENY"
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["Referrer-Policy"] == "same-origin"
    assert page.headers["Cross-Origin-Opener-Policy"] == "same-origin"


def test_a_page_has_no_script_of_its_own(server: LiveServer) -> None:
    page = httpx.get(f"{server.url}/admin/login/").text

    assert "<script" in page
    assert all("src=" in tag.partition(">")[0] for tag in page.split("<script")[1:])
