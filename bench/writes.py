"""What a write costs in triggers, constraints and indexes: the same inserts without each of them, undone afterwards.

    python -m bench.writes [--rows 4000] [--rounds 5] [--publish]

Processor time of PostgreSQL and bytes of its write-ahead log per row, for tasks of many users; the rounds alternate
between the variants.
"""

import argparse
from dataclasses import dataclass, field
from statistics import median

from bench import command, product, report
from bench.data import Connection
from bench.database import Database, on_processor, running
from bench.places import say
from bench.tables import table

INSERT = """
INSERT INTO tasks_task (id, user_id, title, description, completed)
SELECT gen_random_uuid(), 'demo-' || (1 + n % 1000), 'Water the plants ' || n, 'The ones by the window', n % 3 = 0
FROM generate_series(1, %s) n
"""
TRIGGER = "ALTER TABLE tasks_task DISABLE TRIGGER tasks_task_stamp"
# Without the trigger somebody has to number the rows.
NUMBERED = INSERT.replace("completed)", "completed, completed_at, revision, title_key)").replace(
    "n % 3 = 0", "n % 3 = 0, CASE WHEN n % 3 = 0 THEN now() END, 1000000 + n, 'water'"
)
FOREIGN_KEY = "SELECT conname FROM pg_constraint WHERE conrelid = 'tasks_task'::regclass AND contype = 'f'"
INDEXES = "SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = 'tasks_task'::regclass AND NOT indisunique"


def variants(connection: Connection) -> dict[str, tuple[str, str]]:
    """What is left out → the statement that leaves it out, and the inserts then."""
    (foreign_key,) = [row[0] for row in connection.execute(FOREIGN_KEY)]
    found = {"nothing": ("SELECT", INSERT), "the trigger": (TRIGGER, NUMBERED)}
    found["the foreign key"] = (f"ALTER TABLE tasks_task DROP CONSTRAINT {foreign_key}", INSERT)
    for (index,) in connection.execute(INDEXES):
        found[f"index {index}"] = (f"DROP INDEX {index}", INSERT)
    return found


@dataclass(slots=True)
class Costs:
    """Per row, one entry a round: microseconds of the server's processor time, and bytes of write-ahead log."""

    microseconds: list[float] = field(default_factory=list)
    wal_bytes: list[float] = field(default_factory=list)


def measure(database: Database, change: str, insert: str, rows: int, costs: Costs) -> None:
    with database.connect() as connection, connection.transaction(force_rollback=True):
        connection.execute(change)
        wal, before = written(connection), on_processor(connection.info.backend_pid)
        connection.execute(insert.replace("%s", str(rows)))
        connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        costs.microseconds.append((on_processor(connection.info.backend_pid) - before) / rows * 1e6)
        costs.wal_bytes.append((written(connection) - wal) / rows)


def written(connection: Connection) -> float:
    """Bytes of write-ahead log since the cluster was made."""
    ((position,),) = connection.execute("SELECT (pg_current_wal_insert_lsn() - '0/0')::float8")
    return float(str(position))


def main() -> None:
    parser = argparse.ArgumentParser(description="What a write costs in triggers, constraints and indexes.")
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--publish", action="store_true", help="write the table into docs/performance.md")
    options = parser.parse_args()
    with running() as server:
        database = Database(server.socket, "todo_bench_writes")
        database.recreate()
        try:
            product.migrate(database)
            product.manage(database, "seeddemo", "--users", "1000", "--tasks", "20")
            with database.connect() as connection:
                tried = variants(connection)
            taken = {name: Costs() for name in tried}
            for _ in range(options.rounds):
                for name, (change, insert) in tried.items():
                    measure(database, change, insert, options.rows, taken[name])
        finally:
            database.drop()
    text = markdown(taken)
    say(text)
    if options.publish:
        report.replace_block(report.DOCUMENT, "writes", text)


def markdown(costs: dict[str, Costs]) -> str:
    whole = costs["nothing"]
    rows = []
    for name, each in costs.items():
        time, wal = median(each.microseconds), median(each.wal_bytes)
        saved = median(whole.microseconds) - time, median(whole.wal_bytes) - wal
        rows.append((name, f"{time:.0f}", f"{saved[0]:.0f}", f"{wal:,.0f}", f"{saved[1]:,.0f}"))
    return table(["left out", "µs a row", "so it costs", "bytes of log a row", "so it writes"], rows)


if __name__ == "__main__":
    command.run(main)
