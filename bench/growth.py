"""Whether a call costs more because there is more: users with 10 tasks beside users with 1,000, page 1 beside page 500.

    python -m bench.growth [--users 2000] [--tasks 1000] [--rounds 5] [--count 200]

Both sizes are databases of their own on one server, and the rounds alternate between them. One user more has
10,000 tasks, for deep pages and for search.
"""

import argparse
import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from bench import command, product, report, tools
from bench.contestants import CONTESTANTS
from bench.cpu import CLIENTS, Samples, Worker
from bench.data import Connection
from bench.database import Database, running
from bench.places import BENCH, SCRATCH, BenchError, say
from bench.plan import CALLS, Call, Line, changes, lines_of, write
from bench.tables import table, verdict
from bench.tokens import token

FEW, DEEP, DEEP_PAGE, LIMIT = 10, 10_000, 500, 20
BOUND = 1.3
PER_USER = 3  # tasks of each user that are there to be deleted
SORTS = ("-created_at", "updated_at", "title")
MATCHES = ("1 match", "2,000 matches")
PRODUCT = CONTESTANTS["product"]


@dataclass(frozen=True, slots=True)
class Size:
    name: str
    database: Database
    users: int
    tasks: int

    @property
    def deep_user(self) -> int:
        return self.users + 1

    def populate(self) -> None:
        say(f"Filling {self.users:,} users × {self.tasks:,} tasks …")
        self.database.recreate()
        product.migrate(self.database)
        product.manage(self.database, "seeddemo", "--users", str(self.users), "--tasks", str(self.tasks))
        with self.database.connect() as connection:
            product.TABLE.fill(connection, users=1, tasks=DEEP, first=self.deep_user)
            connection.execute("vacuum analyze")
            connection.execute("checkpoint")

    def lines(self, call: str, connection: Connection) -> list[Line]:
        """The same pages at both sizes: ten tasks a list, one match a search."""
        if call == "list":
            return [Line("GET", f"/api/tasks?limit={FEW}", token(f"demo-{n}")) for n in range(1, CLIENTS + 1)]
        if call == "search":
            return [self.search_of(n) for n in range(1, CLIENTS + 1)]
        if call in {"put", "patch", "complete"}:
            return list(changes(call, product.TABLE.tasks_of(connection, CLIENTS + 1, CLIENTS, 1)))
        if call == "delete":
            tasks = product.TABLE.tasks_of(connection, 2 * CLIENTS + 1, self.users - 2 * CLIENTS, PER_USER)
            return [Line("DELETE", f"/api/tasks/{key}", token(user)) for user, key in tasks]
        return lines_of(call, product.TABLE, connection, clients=CLIENTS)

    def search_of(self, user: int) -> Line:
        # The titles of the demo tasks end with their numbers, and no other number begins like the last one.
        return Line("GET", f"/api/tasks?limit={FEW}&q={self.tasks - 1}", token(f"demo-{user}"))


def calls() -> Iterator[Call]:
    rows = {"list": FEW, "search": 1}
    for call in CALLS.values():
        if call.name != "unchanged":
            yield Call(call.name, call.method, call.status, rows=rows.get(call.name))


def compare_sizes(sizes: list[Size], rounds: int, count: int) -> dict[str, dict[str, Samples]]:
    """Samples by call and size."""
    found = {call.name: {size.name: Samples() for size in sizes} for call in calls()}
    with ExitStack() as stack:
        workers = []
        for size in sizes:
            worker = Worker(PRODUCT, size.database)
            stack.callback(worker.stop)
            workers.append((size, worker))
            connection = stack.enter_context(size.database.connect())
            for call in calls():
                file = write(SCRATCH / f"growth-{size.name}-{call.name}.tsv", size.lines(call.name, connection))
                worker.prepare(call, str(file), warm_up=CLIENTS)
        for number in range(rounds):
            for call in calls():
                for size, worker in workers if number % 2 else reversed(workers):
                    worker.measure(call, count, found[call.name][size.name])
    return found


def compare_depths(size: Size, rounds: int, count: int) -> dict[str, Samples]:
    """Page 1 and page 500 of the user with 10,000 tasks in two orders, and searches among that many."""
    bearer = token(f"demo-{size.deep_user}")
    worker = Worker(PRODUCT, size.database)
    try:
        targets = {}
        for sort in SORTS:
            first = f"/api/tasks?limit={LIMIT}&sort={sort}"
            targets[f"page 1 by {sort}"] = first
            targets[f"page {DEEP_PAGE} by {sort}"] = f"{first}&cursor={walk(worker, first, bearer)}"
        number = (size.deep_user - 1) * DEEP + 7
        for name, words in zip(MATCHES, (f"number%20{number:08}", "write"), strict=True):
            targets[name] = f"/api/tasks?limit={FEW}&q={words}"
        found = {name: Samples() for name in targets}
        asked = {name: Call(name, "GET", 200) for name in targets}
        for place, (name, target) in enumerate(targets.items()):
            file = write(SCRATCH / f"growth-depth-{place}.tsv", [Line("GET", target, bearer)])
            worker.tell(load=name, file=str(file))
            worker.run(asked[name], CLIENTS)
        for _ in range(rounds):
            for name, samples in found.items():
                worker.measure(asked[name], count, samples)
        return found
    finally:
        worker.stop()


def walk(worker: Worker, first: str, bearer: str) -> str:
    """The cursor of page 500, found as a client finds it."""
    step, target, cursor = Call("walk", "GET", 200), first, ""
    for _ in range(DEEP_PAGE - 1):
        worker.tell(load="walk", file=str(write(SCRATCH / "growth-walk.tsv", [Line("GET", target, bearer)])))
        cursor = json.loads(worker.run(step, 1)["body"])["next_cursor"]
        target = f"{first}&cursor={cursor}"
    return cursor


def main() -> None:
    parser = argparse.ArgumentParser(description="The cost of a call as the data grows.")
    parser.add_argument("--users", type=int, default=2_000)
    parser.add_argument("--tasks", type=int, default=1_000, help="tasks of each user in the larger database")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--count", type=int, default=100, help="calls of each kind in a round")
    parser.add_argument("--publish", action="store_true", help="write bench/growth.json and docs/performance.md")
    options = parser.parse_args()
    if (options.users - 2 * CLIENTS) * PER_USER <= options.rounds * options.count + CLIENTS:
        raise BenchError(f"{options.users} users are too few for {options.rounds} rounds of {options.count} deletes.")
    tools.prepare(python_peers=False, node_peer=False, wrk=False)
    with running() as server:
        names = (("few", FEW), ("many", options.tasks))
        sizes = [Size(n, Database(server.socket, f"todo_growth_{n}"), options.users, tasks) for n, tasks in names]
        try:
            for size in sizes:
                size.populate()
            by_size = compare_sizes(sizes, options.rounds, options.count)
            by_depth = compare_depths(sizes[-1], options.rounds, options.count)
        finally:
            for size in sizes:
                size.database.drop()
        results = {
            "users": options.users,
            "tasks": options.tasks,
            "machine": report.machine(server),
            "rows": list(comparisons(by_size, by_depth, options.tasks)),
        }
    text = markdown(results)
    say(text)
    if options.publish:
        report.save(results, BENCH / "growth.json")
        report.replace_block(report.DOCUMENT, "growth", text)


def comparisons(
    by_size: dict[str, dict[str, Samples]], by_depth: dict[str, Samples], tasks: int
) -> Iterator[dict[str, Any]]:
    for call, samples in by_size.items():
        yield row(f"{call}: {FEW} tasks a user, {tasks:,} tasks a user", samples["few"], samples["many"])
    for sort in SORTS:
        first, deep = by_depth[f"page 1 by {sort}"], by_depth[f"page {DEEP_PAGE} by {sort}"]
        yield row(f"list by {sort}: page 1, page {DEEP_PAGE}", first, deep)
    for matches in MATCHES:
        yield row(f"search: among {FEW} tasks, {matches} among {DEEP:,}", by_size["search"]["few"], by_depth[matches])


def row(name: str, before: Samples, after: Samples) -> dict[str, Any]:
    """Costs as processor time of the worker and of the database, which other programs disturb least."""
    first, second = before.summary(), after.summary()
    ratio = (second["cpu_us"] + second["database_us"]) / (first["cpu_us"] + first["database_us"])
    return {"name": name, "before": first, "after": second, "ratio": ratio, "kept": ratio <= BOUND}


def markdown(results: dict[str, Any]) -> str:
    def cost(summary: dict[str, float]) -> str:
        return f"{summary['cpu_us']:.0f} + {summary['database_us']:.0f}"

    machine = results["machine"]
    text = (
        f"{results['users']:,} users, on {machine['cores']} cores of {machine['processor']}; "
        "µs of processor time per call, worker + PostgreSQL."
    )
    rows = (
        (each["name"], cost(each["before"]), cost(each["after"]), f"{each['ratio']:.2f}×", verdict(each["kept"]))
        for each in results["rows"]
    )
    return f"{text}\n\n{table(['', 'first', 'second', f'target ≤ {BOUND}×', ''], rows)}"


if __name__ == "__main__":
    command.run(main)
