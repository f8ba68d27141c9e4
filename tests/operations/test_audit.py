"""The audit of the locked packages, by the real pip-audit against an OSV that knows what the test says."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from scripts.audit import Answer, read, verdict
from todoproject.env import BASE_DIR

HASH = "0" * 64
ADVISORY = {
    "id": "PYSEC-2024-1",
    "aliases": ["CVE-2024-1"],
    "affected": [
        {
            "package": {"name": "idna", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "3.7"}]}],
        }
    ],
}


class Osv(ThreadingHTTPServer):
    known: dict[str, list[object]]
    status = 200

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1/query"


class Query(BaseHTTPRequestHandler):
    server: Osv

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        found = self.server.known.get(asked["package"]["name"])
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(json.dumps({"vulns": found} if found else {}).encode())

    def log_message(self, *args: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def osv() -> Iterator[Osv]:
    with Osv(("127.0.0.1", 0), Query) as server:
        server.known = {}
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "requirements.lock"
    path.write_text(f"idna==3.6 --hash=sha256:{HASH}\ncertifi==2024.2.2 --hash=sha256:{HASH}\n")
    return path


def audit(lock: Path, url: str) -> tuple[int, str]:
    command = [sys.executable, "scripts/audit.py", str(lock), "--osv-url", url]
    done = subprocess.run(command, cwd=BASE_DIR, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def test_packages_without_an_advisory_pass(osv: Osv, lock: Path) -> None:
    assert audit(lock, osv.url) == (0, "No known vulnerabilities in 2 packages, says osv.\n")


def test_an_advisory_fails_and_is_named(osv: Osv, lock: Path) -> None:
    osv.known["idna"] = [ADVISORY]

    code, said = audit(lock, osv.url)

    assert (code, said) == (1, "Known vulnerabilities:\n  idna 3.6: PYSEC-2024-1, CVE-2024-1, fixed in 3.7\n")


def test_a_service_that_fails_is_no_pass(osv: Osv, lock: Path) -> None:
    osv.status = 503

    code, said = audit(lock, osv.url)

    assert code == 69
    assert said.startswith("NOT AUDITED: a known vulnerability would not be noticed.\n  osv: ")


def test_a_service_that_is_not_there_is_no_pass(lock: Path) -> None:
    code, said = audit(lock, "http://127.0.0.1:9/v1/query")

    assert code == 69
    assert "NOT AUDITED" in said


def test_a_lock_file_without_hashes_is_an_error_and_no_outage(osv: Osv, lock: Path) -> None:
    lock.write_text("idna==3.6\n")

    code, said = audit(lock, osv.url)

    assert code == 1
    assert "hash" in said


def test_packages_that_a_service_does_not_know_are_no_pass() -> None:
    report = {
        "dependencies": [{"name": "idna", "skip_reason": "not found"}, {"name": "a", "version": "1", "vulns": []}]
    }

    answer = read("pypi", json.dumps(report))

    assert answer == Answer("pypi", 1, (), "1 of 2 packages are unknown there")
    assert verdict([answer])[0] == 69
    assert verdict([answer, Answer("osv", 2)]) == (0, "No known vulnerabilities in 2 packages, says osv.")


def test_an_advisory_counts_whatever_else_is_unknown() -> None:
    known = Answer("pypi", 1, ("idna 3.6: PYSEC-2024-1, fixed in 3.7",), "1 of 2 packages are unknown there")

    assert verdict([known])[0] == 1


def test_a_report_on_nothing_is_an_error() -> None:
    with pytest.raises(SystemExit, match="names no packages"):
        read("pypi", '{"dependencies": []}')
