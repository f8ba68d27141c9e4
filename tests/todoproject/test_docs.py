"""GET /docs: the contract's page, with every asset from here."""

import re

import httpx
import pytest

from tests.support.clients import Client
from tests.support.live_server import LiveServer
from tests.support.server_process import server_process

ASSET = re.compile(r'(?:src|href)="([^"]+)"')


def test_the_page_shows_the_contract(anonymous: Client) -> None:
    response = anonymous.get("/docs")

    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")
    assert 'data-url="/api/openapi.json"' in response.text
    assert "http://" not in response.text
    assert "https://" not in response.text


def test_the_page_may_load_nothing_from_elsewhere(anonymous: Client) -> None:
    policy = anonymous.get("/docs").headers["content-security-policy"]

    assert "default-src 'none'" in policy
    assert "http" not in policy
    assert "unsafe-eval" not in policy
    assert "script-src 'self';" in policy


def test_every_asset_is_served_from_here(server: LiveServer, anonymous: Client) -> None:
    assets = ASSET.findall(anonymous.get("/docs").text)

    assert len(assets) >= 4
    for asset in assets:
        assert asset.startswith("/static/")
        response = httpx.get(server.url + asset)
        assert (response.status_code, len(response.content) > 0) == (200, True), asset


@pytest.mark.usefixtures("database")
def test_every_asset_is_served_in_production_too() -> None:
    with server_process(DJANGO_DEBUG="false") as production:
        page = httpx.get(f"{production.url}/api/docs", timeout=30)
        assets = ASSET.findall(page.text)

        assert (page.status_code, len(assets) >= 4) == (200, True)
        for asset in assets:
            response = httpx.get(production.url + asset)
            assert (response.status_code, len(response.content) > 0) == (200, True), (asset, response.headers)
        assert httpx.get(f"{production.url}/api/tasks").status_code == 401
        assert httpx.get(f"{production.url}/api/health/ready").status_code == 200
