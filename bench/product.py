"""This project as a contestant: the application as it ships, with the limit on and out of reach."""

import subprocess
import sys

from bench.data import Connection, Table
from bench.database import Database
from bench.places import ROOT, SECRET, BenchError

PYTHON = sys.executable
APPLICATION = "todoproject.asgi:application"
ENVIRONMENT = {
    "DJANGO_SETTINGS_MODULE": "todoproject.settings",
    "DJANGO_DEBUG": "false",  # said aloud, because a developer's .env says otherwise
    "DJANGO_SECRET_KEY": SECRET,
    "METRICS_TOKEN": SECRET,
    "RATE_LIMIT_USER": "100000000/minute",
}
TABLE = Table(
    name="tasks_task",
    live="deleted_at is null",
    insert="""
        insert into tasks_task (id, user_id, title, description, completed, completed_at, created_at, updated_at)
        select uuidv7(), subject, title, description, completed, case when completed then created_at end,
               created_at, created_at
        from ({rows}) r order by subject, n desc
    """,
)


def serve(port: int) -> list[str]:
    """What `make run` runs; the server takes its port from the environment."""
    del port
    return [PYTHON, "-m", "todoproject.serve"]


def migrate(database: Database) -> None:
    """Makes the tables as a deployment does."""
    manage(database, "migrate", "--verbosity", "0")


def manage(database: Database, *arguments: str) -> None:
    variables = {"PATH": "/usr/bin:/bin", "BETTER_AUTH_SECRET": SECRET, **ENVIRONMENT, **database.environment}
    finished = subprocess.run([PYTHON, "manage.py", *arguments], cwd=ROOT, env=variables, check=False)
    if finished.returncode:
        raise BenchError(f"`manage.py {arguments[0]}` failed on the benchmark's database: see its message above.")


def fill(connection: Connection, *, users: int, tasks: int) -> None:
    TABLE.fill(connection, users=users, tasks=tasks)
    connection.execute("vacuum analyze")
