"""What a write costs in triggers, constraints and indexes: the same inserts without each of them, undone afterwards.

    python -m bench.writes [--rows 4000] [--rounds 5] [--publish]

Processor time of PostgreSQL per row, for tasks of many users; the rounds alternate between the variants.
"""

import argparse
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


def cost(database: Database, change: str, insert: str, rows: int) -> float:
    """Microseconds of the server's processor time per row."""
    with database.connect() as connection, connection.transaction(force_rollback=True):
        connection.execute(change)
        before = on_processor(connection.info.backend_pid)
        connection.execute(insert.replace("%s", str(rows)))
        connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        return (on_processor(connection.info.backend_pid) - before) / rows * 1e6


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
            taken: dict[str, list[float]] = {name: [] for name in tried}
            for _ in range(options.rounds):
                for name, (change, insert) in tried.items():
                    taken[name].append(cost(database, change, insert, options.rows))
        finally:
            database.drop()
    text = markdown({name: median(each) for name, each in taken.items()})
    say(text)
    if options.publish:
        report.replace_block(report.DOCUMENT, "writes", text)


def markdown(costs: dict[str, float]) -> str:
    whole = costs["nothing"]
    rows = ((name, f"{each:.1f}", f"{whole - each:.1f}") for name, each in costs.items())
    return table(["left out", "µs a row", "so it costs"], rows)


if __name__ == "__main__":
    command.run(main)
