"""The programs and packages that the peers need: made once, checked every time."""

import hashlib
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from bench.places import BENCH, FASTIFY, PEERS_PYTHON, PEERS_VENV, SCRATCH, BenchError, say

NODE_MAJOR_MIN = 20


def require_wrk() -> None:
    if shutil.which("wrk") is None:
        raise BenchError("wrk is not installed and makes the load over HTTP: install it (Debian: `apt install wrk`).")


def prepare_python_peers() -> None:
    """The peers' virtual environment, apart from the product's, as the lock says."""
    lock = BENCH / "requirements.txt"
    if is_current(PEERS_VENV, lock):
        return
    say("Installing the Python peers into .data/bench-venv …")
    venv.create(PEERS_VENV, with_pip=True, clear=True)
    command = [str(PEERS_PYTHON), "-m", "pip", "install", "--quiet", "--requirement", str(lock)]
    if subprocess.run(command, check=False).returncode:
        raise BenchError("The Python peers could not be installed: see pip's message above and start again.")
    remember(PEERS_VENV, lock)


def prepare_node_peer() -> None:
    """Fastify and postgres.js from the lock file, beside the data and not in the source tree."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise BenchError("Node.js is not installed and runs the Fastify peer: install node 20 or newer, with npm.")
    version = node_version()
    if int(version.partition(".")[0]) < NODE_MAJOR_MIN:
        raise BenchError(f"Node.js {version} is too old for the Fastify peer: install node {NODE_MAJOR_MIN} or newer.")
    source = BENCH / "peers" / "fastify"
    FASTIFY.mkdir(parents=True, exist_ok=True)
    shutil.copy(source / "server.mjs", FASTIFY)
    lock = source / "package-lock.json"
    if is_current(FASTIFY, lock):
        return
    say("Installing the Fastify peer into .data/bench/fastify …")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(source / name, FASTIFY)
    command = ["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"]
    if subprocess.run(command, cwd=FASTIFY, check=False).returncode:
        raise BenchError("The Fastify peer could not be installed: see npm's message above and start again.")
    remember(FASTIFY, lock)


def node_version() -> str:
    """Like "20.20.2", or empty without Node.js."""
    if shutil.which("node") is None:
        return ""
    printed = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    return printed.strip().removeprefix("v")


def is_current(directory: Path, lock: Path) -> bool:
    mark = directory / ".lock-digest"
    return mark.exists() and mark.read_text() == digest(lock)


def remember(directory: Path, lock: Path) -> None:
    (directory / ".lock-digest").write_text(digest(lock))


def digest(lock: Path) -> str:
    return hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()


def prepare(*, python_peers: bool = True, node_peer: bool = True, wrk: bool = True) -> None:
    """Raises BenchError with one sentence that says what to install."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    if wrk:
        require_wrk()
    if python_peers:
        prepare_python_peers()
    if node_peer:
        prepare_node_peer()
