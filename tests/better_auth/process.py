"""A Better Auth server as a process, and a person who signs in to it."""

import json
import os
import selectors
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

import httpx
import jwt

HERE = Path(__file__).parent
START_SECONDS = 60.0
PASSWORD = "correct horse battery staple"


def free_port() -> int:
    """A port nobody listens on; the server under test takes it again after each restart."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class BetterAuth:
    """A node process that can be stopped and started again on its port, its tables in a schema of their own."""

    def __init__(self, command: Sequence[str], environment: dict[str, str], port: int, log: Path) -> None:
        self.port, self.url = port, f"http://localhost:{port}"
        self._command = list(command)
        self._environment = {"PATH": os.environ["PATH"], "NODE_ENV": "development", **environment}
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._people: list[Person] = []

    def start(self) -> "BetterAuth":
        with self._log.open("ab") as errors:
            self._process = subprocess.Popen(
                ["node", *self._command], cwd=HERE, env=self._environment, stdout=subprocess.PIPE, stderr=errors
            )
        assert self._process.stdout is not None
        assert _first_line(self._process.stdout) == b"serving\n", self._log.read_text()
        return self

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def close(self) -> None:
        for person in self._people:
            person.close()
        self.stop()

    def restart(self) -> None:
        self.stop()
        self.start()

    def sign_up(self, name: str) -> "Person":
        self._people.append(Person(self, name))
        return self._people[-1]


def _first_line(stream: IO[bytes]) -> bytes:
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        return stream.readline() if selector.select(START_SECONDS) else b""


def configured(port: int, database: dict[str, Any], log: Path, secret: str, **options: Any) -> BetterAuth:
    """The server of ``server.mjs`` with its options."""
    everything = {"port": port, "database": database, "secret": secret, **options}
    return BetterAuth(["server.mjs"], {"OPTIONS": json.dumps(everything)}, port, log)


class Person(httpx.Client):
    """Somebody signed up over HTTP, with the cookies of a browser."""

    def __init__(self, server: BetterAuth, name: str) -> None:
        super().__init__(base_url=f"{server.url}/api/auth", headers={"Origin": server.url}, timeout=20)
        self.email = f"{name.lower()}-{uuid4().hex}@example.com"
        body = {"name": name, "email": self.email, "password": PASSWORD}
        self.signed_up = self.post("/sign-up/email", json=body)
        assert self.signed_up.status_code == 200, self.signed_up.text
        self.id = str(self.signed_up.json()["user"]["id"])

    def token(self) -> str:
        """A new JWT, as a front end gets it."""
        response = self.get("/token")
        assert response.status_code == 200, response.text
        return str(response.json()["token"])

    def two_tokens_of_one_key(self) -> tuple[str, str]:
        """Also while keys rotate by the second."""
        while True:
            first, second = self.token(), self.token()
            if kid_of(first) == kid_of(second):
                return first, second

    def token_under_another_key(self, than: str) -> str:
        """The first token after the next rotation."""
        while True:
            token = self.token()
            if kid_of(token) != kid_of(than):
                return token


def kid_of(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])
