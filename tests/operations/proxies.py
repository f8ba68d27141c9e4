"""nginx and Caddy as deploy/ has them: only ports, the name and the certificate are replaced."""

import os
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.authn.test_jwks_tls import certificate_for
from todoproject.env import BASE_DIR

from .machines import free_port, short_directory, until

HOST = "127.0.0.1"
NGINX = """
daemon off;
pid {directory}/pid;
error_log {directory}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    include {directory}/site.conf;
}}
"""
CADDY = """{{
	admin off
	http_port {http}
	https_port {https}
}}
"""


@dataclass(frozen=True)
class Proxy:
    url: str
    http_url: str
    certificate: Path

    def client(self, **headers: str) -> httpx.Client:
        """A client that takes the proxy for one at port 443, as browsers will."""
        trust = ssl.create_default_context(cafile=self.certificate)
        # Another address than the service's own, which TRUSTED_PROXIES names.
        transport = httpx.HTTPTransport(verify=trust, local_address="127.0.0.2")
        return httpx.Client(base_url=self.url, transport=transport, timeout=30, headers={"Host": HOST, **headers})


def _shipped(name: str, upstream: int, certificate: Path) -> str:
    text = (BASE_DIR / "deploy" / name).read_text()
    text = re.sub(r"/etc/letsencrypt/live/\S+\.pem", str(certificate), text)
    assert text.count("127.0.0.1:8000") == 1
    return text.replace("127.0.0.1:8000", f"127.0.0.1:{upstream}").replace("todo.example.com", HOST)


def _nginx(directory: Path, http: int, https: int, upstream: int, certificate: Path) -> list[str]:
    site = _shipped("nginx.conf", upstream, certificate)
    for port, ours in (("80", http), ("443", https)):
        site = site.replace(f"listen [::]:{port}", f"listen [::1]:{ours}").replace(
            f"listen {port}", f"listen {HOST}:{ours}"
        )
    if not _has_ipv6():
        site = re.sub(r"listen \[::1\].*;", "", site)
    (directory / "site.conf").write_text(site)
    (directory / "nginx.conf").write_text(NGINX.format(directory=directory))
    return ["nginx", "-p", str(directory), "-e", str(directory / "error.log"), "-c", str(directory / "nginx.conf")]


def _caddy(directory: Path, http: int, https: int, upstream: int, certificate: Path) -> list[str]:
    site = _shipped("Caddyfile", upstream, certificate)
    site = site.replace(f"{HOST} {{", f"{HOST} {{\n\ttls {certificate} {certificate}", 1)
    (directory / "Caddyfile").write_text(CADDY.format(http=http, https=https) + site)
    return ["caddy", "run", "--adapter", "caddyfile", "--config", str(directory / "Caddyfile")]


PROXIES: dict[str, Callable[[Path, int, int, int, Path], list[str]]] = {"nginx": _nginx, "caddy": _caddy}


def _has_ipv6() -> bool:
    with suppress(OSError), socket.socket(socket.AF_INET6) as probe:
        probe.bind(("::1", 0))
        return True
    return False


@contextmanager
def proxy_in_front(name: str, upstream: int) -> Iterator[Proxy]:
    """Skips the test where the proxy is not installed."""
    program = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip(f"{name} is not installed")
    directory, http, https = short_directory(), free_port(), free_port()
    certificate = certificate_for(HOST, directory)
    command = PROXIES[name](directory, http, https, upstream, certificate)
    environment = {**os.environ, "HOME": str(directory), "XDG_DATA_HOME": str(directory)}
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen([program, *command[1:]], cwd=directory, env=environment, stdout=log, stderr=log)
    try:
        until(lambda: process.poll() is not None or _listens(https), f"{name} listens")
        assert process.poll() is None, (directory / "log").read_text()
        yield Proxy(f"https://{HOST}:{https}", f"http://{HOST}:{http}", certificate)
    finally:
        process.terminate()
        process.wait(20)
        shutil.rmtree(directory)


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection((HOST, port), timeout=1):
        return True
    return False
