"""What `make run` runs: the environment, the database, its migrations and the server, in one process."""

import atexit
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import django
import uvicorn
from django.conf import settings
from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.migrations.executor import MigrationExecutor

from todoproject.database import wait_until_usable
from todoproject.development import write_environment
from todoproject.env import BASE_DIR
from todoproject.startup import explained, fail

MIGRATION_LOCK = 0x746F646F  # any number that every process of this project agrees on ("todo")
TERMINATED = 128 + signal.SIGTERM  # what a shell reports for a program that SIGTERM ended
METRICS_DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"  # read by prometheus_client when it is imported
WORKER_START = 60  # seconds that a rolling restart waits for a new worker; the old one serves meanwhile
GRACE = 10  # seconds for open requests when the server is told to stop
# Longer than proxies keep an idle connection (nginx and AWS 60 s, Caddy 120 s): whoever closes first must not be whom a
# request may be sent to at that very moment. A proxy does not repeat a POST, and answers 502.
KEEP_ALIVE = 150
BANNER = """
  API            {address}/api
  Documentation  {address}/api/docs
  A token        python manage.py createtoken alice
  Admin          {address}/admin/  (make a staff user: python manage.py createsuperuser)

  Try it:        curl {address}/api/tasks -H "Authorization: Bearer $(python manage.py createtoken alice)"
  Stop it:       Ctrl-C
"""


def main() -> None:
    if write_environment(BASE_DIR / ".env", os.environ):
        say("Wrote .env with new secrets for development.")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "todoproject.settings")
    end_cleanly_on_signals()
    with explained():
        refuse_a_used_port()
        django.setup()
        wait_until_usable(settings.DATABASE_WAIT)
        migrate()
        connections.close_all()
        share_metrics()
        say(BANNER.format(address=address()))
        serve()


def say(message: str) -> None:
    sys.stdout.write(f"{message}\n")
    sys.stdout.flush()


def end_cleanly_on_signals() -> None:
    """An exit through Python, not by the signal, so that the embedded database is stopped by the last process."""

    def end(number: int, frame: FrameType | None) -> None:
        del number, frame
        raise SystemExit(TERMINATED)

    def pass_on(number: int, frame: FrameType | None) -> None:
        del number, frame
        signal.raise_signal(signal.SIGTERM)  # uvicorn finishes requests on this one, but does not know SIGHUP

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGHUP, pass_on)


def refuse_a_used_port() -> None:
    """Fail with one sentence before any work is done, rather than with the server's own message after it."""
    try:
        family, kind, protocol, _name, where = socket.getaddrinfo(
            settings.HOST, settings.PORT, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(where)
    except OSError as error:
        fail(
            f"Nothing can listen on HOST {settings.HOST}, PORT {settings.PORT} ({error.strerror}): "
            f"choose another, as in PORT={settings.PORT + 1} make run."
        )


def migrate() -> None:
    """Apply what is missing; processes that start together take turns, and the later ones find nothing to do."""
    if not missing_migrations():
        return
    with migration_lock():
        if missing_migrations():
            call_command("migrate", interactive=False, verbosity=1)


def missing_migrations() -> bool:
    executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


@contextmanager
def migration_lock() -> Iterator[None]:
    """A lock of a transaction, on a connection of its own: behind a transaction pooler a session has none."""
    connection = connections[DEFAULT_DB_ALIAS].copy()
    try:
        connection.set_autocommit(False)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [MIGRATION_LOCK])
        yield
    finally:
        connection.close()


def share_metrics() -> None:
    """A directory of this run in which several workers keep the numbers of /metrics; see todoproject.metrics."""
    if settings.METRICS_TOKEN is not None and settings.WORKERS > 1 and METRICS_DIRECTORY not in os.environ:
        os.environ[METRICS_DIRECTORY] = directory = tempfile.mkdtemp(prefix="todo-metrics-")
        atexit.register(shutil.rmtree, directory, ignore_errors=True)


def address() -> str:
    host = {"0.0.0.0": "localhost", "::": "localhost"}.get(settings.HOST, settings.HOST)  # noqa: S104  # nosec B104
    return f"http://[{host}]:{settings.PORT}" if ":" in host else f"http://{host}:{settings.PORT}"


def serve() -> None:
    """Serve until a signal ends it, which is no failure."""
    try:
        run_uvicorn()
    except SystemExit as end:
        if end.code != TERMINATED:
            raise


def run_uvicorn() -> None:
    uvicorn.run(
        "todoproject.asgi:application",
        host=settings.HOST,
        port=settings.PORT,
        workers=settings.WORKERS,
        loop="uvloop",
        http="todoproject.protocol:BoundedProtocol",
        ws="none",
        lifespan="on",
        log_config=None,  # settings.LOGGING says how lines look
        access_log=False,
        proxy_headers=False,  # TRUSTED_PROXIES decides whom to believe, not uvicorn
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=GRACE,
        timeout_worker_healthcheck=WORKER_START,
    )


if __name__ == "__main__":
    main()
