"""The benchmark's own database on the embedded PostgreSQL, and what its server processes cost."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from bench.places import CLUSTER
from todoproject import embedded

NAME = "todo_bench"
USER = "postgres"


@dataclass(frozen=True, slots=True)
class Database:
    """A database of one running server; `socket` is the directory of its Unix socket."""

    socket: Path
    name: str = NAME

    @property
    def url(self) -> str:
        return f"postgresql://{USER}@/{self.name}?host={self.socket}"

    @property
    def environment(self) -> dict[str, str]:
        """The standard variables of libpq, which every driver in the comparison reads."""
        return {"PGHOST": str(self.socket), "PGUSER": USER, "PGDATABASE": self.name, "DATABASE_URL": self.url}

    def connect(self, name: str | None = None) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(host=str(self.socket), user=USER, dbname=name or self.name, autocommit=True)

    def drop(self) -> None:
        with self.connect("postgres") as connection:
            connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(self.name)))

    def recreate(self) -> None:
        self.drop()
        with self.connect("postgres") as connection:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(self.name)))

    def processor_seconds(self) -> dict[object, float]:
        """Processor time that each server process of this database's sessions has used so far, by process id.

        Planning, triggers, row-level security and commits are all in it, which a statement's own statistics are not.
        The kernel counts it in nanoseconds (/proc/PID/schedstat, Linux).
        """
        with self.connect() as connection:
            query = "select pid from pg_stat_activity where datname = %s and pid <> pg_backend_pid()"
            pids = [row[0] for row in connection.execute(query, [self.name])]
        return {pid: on_processor(pid) for pid in pids}


def spent(before: dict[object, float], after: dict[object, float]) -> float:
    """Seconds between two readings; a session that ended in between is not counted, one that began is."""
    return sum(seconds - before.get(pid, 0.0) for pid, seconds in after.items())


def on_processor(pid: object) -> float:
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    except OSError:
        return 0.0


@contextmanager
def running() -> Iterator[Database]:
    """Raises todoproject.host.EmbeddedDatabaseError, whose message says what to install or repair."""
    directory = embedded.start(CLUSTER)
    try:
        yield Database(directory)
    finally:
        embedded.release()
