"""Commands and API servers as processes of their own, on the test's database."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import httpx
from django.db import connection

from tests.operations.machines import free_port, until
from todoproject.env import BASE_DIR


def database_url(name: str = "") -> str:
    """The address of the test database, or of another one of the same server."""
    params = connection.get_connection_params()
    host = quote(str(params.get("host", "")), safe="")
    user, password = quote(str(params.get("user", ""))), quote(str(params.get("password", "")))
    port = f"&port={params['port']}" if params.get("port") else ""
    return f"postgresql:///{name or params['dbname']}?host={host}&user={user}&password={password}{port}"


def environment(**overrides: str) -> dict[str, str]:
    return {**os.environ, "DATABASE_URL": database_url(), **overrides}


def run(*arguments: str, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a management command to its end."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=BASE_DIR,
        env=environment(**variables),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@contextmanager
def api_processes(count: int) -> Iterator[list[str]]:
    """Addresses of API servers, each a process."""
    ports = [free_port() for _ in range(count)]
    command = [sys.executable, "-m", "uvicorn", "todoproject.asgi:application", "--log-level", "warning", "--port"]
    processes = [subprocess.Popen([*command, str(port)], cwd=BASE_DIR, env=environment()) for port in ports]
    urls = [f"http://127.0.0.1:{port}" for port in ports]
    try:
        for url in urls:
            until(lambda url=url: _is_up(url), f"{url} serves")  # type: ignore[misc]
        yield urls
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(30)


def _is_up(url: str) -> bool:
    try:
        return httpx.get(f"{url}/api/health/live").status_code == 200
    except httpx.TransportError:
        return False
