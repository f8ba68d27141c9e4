"""A write that was answered 2xx survives `kill -9` of the server and of the embedded database."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.support.clients import BETTER_AUTH_SECRET, mint

from .conftest import Checkout

START_SECONDS = 60
WRITES = 30


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def running(checkout: Checkout) -> Iterator[tuple[httpx.Client, subprocess.Popen[bytes]]]:
    """`make run`, once it is ready."""
    port = free_port()
    environment = checkout.variables(
        DJANGO_DEBUG="true", DJANGO_SECRET_KEY="k" * 40, BETTER_AUTH_SECRET=BETTER_AUTH_SECRET, PORT=str(port)
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "todoproject.serve"], cwd=checkout.root, env=environment, stdout=subprocess.DEVNULL
    )
    headers = {"Authorization": f"Bearer {mint('alice')}"}
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}/api", headers=headers, timeout=20) as client:
            wait_until_ready(client)
            yield client, process
    finally:
        process.kill()
        process.wait()


def wait_until_ready(client: httpx.Client) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            if client.get("/health/ready").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    pytest.fail("the server did not become ready")


def test_acknowledged_writes_survive_the_death_of_server_and_database(checkout: Checkout) -> None:
    acknowledged = []
    with running(checkout) as (client, process):
        for number in range(WRITES):
            response = client.post("/tasks", json={"title": str(number)})
            assert response.status_code == 201
            acknowledged.append(response.json())
        postmaster = checkout.cluster.postmaster()
        assert postmaster is not None
        os.kill(postmaster.pid, signal.SIGKILL)
        os.kill(process.pid, signal.SIGKILL)

    with running(checkout) as (client, _):
        assert client.get("/tasks", params={"limit": 200, "sort": "created_at"}).json()["items"] == acknowledged

    last = checkout.cluster.postmaster()
    if last is not None:
        os.kill(last.pid, signal.SIGKILL)
