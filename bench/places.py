"""Where the benchmark keeps what it makes, and what it says to the person who runs it."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BENCH = ROOT / "bench"
DATA = ROOT / ".data"
SCRATCH = DATA / "bench"
CLUSTER = DATA / "bench-postgres"
PEERS_VENV = DATA / "bench-venv"
PEERS_PYTHON = PEERS_VENV / "bin" / "python"
FASTIFY = SCRATCH / "fastify"
SECRET = "bench-secret-that-protects-nothing-at-all-000000"  # noqa: S105


class BenchError(Exception):
    """The run cannot go on; the message says what is wrong and what would be right, in one sentence."""


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
