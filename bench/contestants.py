"""Who is compared: how each one is started, and where its rows are."""

from collections.abc import Callable
from dataclasses import dataclass, field

from bench import product
from bench.data import PEERS, Table
from bench.database import Database
from bench.places import FASTIFY, PEERS_PYTHON, ROOT, SECRET

POOL = 20  # connections of a peer


@dataclass(frozen=True, slots=True)
class Contestant:
    """`asgi` is what the in-process measure calls; None for a server that is no ASGI application.

    `deletes_per_second` is more than it can do: each delete of a run needs a row of its own.
    """

    name: str
    title: str
    python: str
    serve: Callable[[int], list[str]]
    asgi: str | None = None
    table: Table = PEERS
    deletes_per_second: int = 6_000
    environment: dict[str, str] = field(default_factory=dict)

    def variables(self, database: Database) -> dict[str, str]:
        common = {"PATH": "/usr/local/bin:/usr/bin:/bin", "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
        return {**common, "BETTER_AUTH_SECRET": SECRET, **database.environment, **self.environment}


def uvicorn(python: str, app: str) -> Callable[[int], list[str]]:
    options = ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"]
    return lambda port: [python, "-m", "uvicorn", app, "--host", "127.0.0.1", "--port", str(port), *options]


def python_peer(name: str, title: str, app: str, deletes_per_second: int = 6_000) -> Contestant:
    python = str(PEERS_PYTHON)
    return Contestant(
        name,
        title,
        python,
        uvicorn(python, app),
        app,
        deletes_per_second=deletes_per_second,
        environment={"BENCH_POOL": str(POOL)},
    )


def bolt(port: int) -> list[str]:
    address = ["--host", "127.0.0.1", "--port", str(port)]
    return [str(PEERS_PYTHON), "-m", "django", "runbolt", *address, "--processes", "1", "--workers", "1", "--no-admin"]


CONTESTANTS = {
    contestant.name: contestant
    for contestant in (
        Contestant(
            "product",
            "this project",
            product.PYTHON,
            product.serve,
            product.APPLICATION,
            product.TABLE,
            environment=product.ENVIRONMENT,
        ),
        python_peer("fastapi", "FastAPI + SQLModel", "bench.peers.fastapi_sqlmodel:app"),
        python_peer("litestar", "Litestar + SQLAlchemy", "bench.peers.litestar_sqlalchemy:app"),
        Contestant(
            "bolt",
            "Django Bolt",
            str(PEERS_PYTHON),
            bolt,
            environment={"BENCH_POOL": str(POOL), "DJANGO_SETTINGS_MODULE": "bench.peers.django_orm.settings"},
        ),
        Contestant(
            "fastify",
            "Fastify + postgres.js",
            str(PEERS_PYTHON),
            lambda port: ["env", f"PORT={port}", "node", str(FASTIFY / "server.mjs")],
            environment={"BENCH_POOL": str(POOL)},
            deletes_per_second=16_000,
        ),
        python_peer("ninja", "stock Django Ninja", "bench.peers.django_orm.ninja_asgi:app"),
        python_peer("floor", "bare ASGI + asyncpg", "bench.peers.floor:app", deletes_per_second=16_000),
    )
}
