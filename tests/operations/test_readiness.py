import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from pytest_django.fixtures import Settings

from tests.authn.token_tools import ORIGIN, jwk, token
from tests.support.clients import Client

NOWHERE = "http://127.0.0.1:1/api/auth/jwks"


class Keys(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps({"keys": [jwk("EdDSA")]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def key_set() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Keys) as publisher:
        serving = threading.Thread(target=publisher.serve_forever)
        serving.start()
        yield f"http://127.0.0.1:{publisher.server_port}/api/auth/jwks"
        publisher.shutdown()
        serving.join()


def test_a_process_that_can_verify_no_token_is_not_ready(anonymous: Client, settings: Settings) -> None:
    settings.BETTER_AUTH_SECRET = None
    settings.BETTER_AUTH_JWKS_URL = NOWHERE

    answer = anonymous.get("/health/ready")

    assert answer.status_code == 503
    assert "no key to verify tokens with has been fetched yet" in answer.json()["detail"]


def test_a_process_with_a_secret_is_ready_without_the_key_set(anonymous: Client, settings: Settings) -> None:
    settings.BETTER_AUTH_JWKS_URL = NOWHERE

    assert anonymous.get("/health/ready").status_code == 200


def test_a_process_whose_keys_were_fetched_is_ready(anonymous: Client, settings: Settings, key_set: str) -> None:
    settings.BETTER_AUTH_SECRET = None
    settings.BETTER_AUTH_ISSUER = settings.BETTER_AUTH_AUDIENCE = ORIGIN
    settings.BETTER_AUTH_JWKS_URL = key_set

    before = anonymous.get("/health/ready")
    called = anonymous.get("/tasks", headers={"Authorization": f"Bearer {token()}"})
    after = anonymous.get("/health/ready")

    assert (before.status_code, called.status_code, after.status_code) == (503, 200, 200)
