"""Processor time per request, in process, round by round in turn.

    python -m bench.cpu --only product,fastapi --calls list,get,create,patch,delete

Each contestant lives in a process of its own for the whole run; every round asks each of them for the same number of
calls before the next round begins, so that a slow moment of the machine meets all of them.
"""

import argparse
import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from bench import command, product, tools
from bench.check import check, takes_part
from bench.contestants import CONTESTANTS, Contestant
from bench.data import PEERS, Connection, create_peers_table
from bench.database import Database, running, spent
from bench.places import ROOT, SCRATCH, BenchError, say
from bench.plan import CALLS, Call, lines_of, write

USERS, TASKS = 10_000, 20
CLIENTS = 100  # whose requests take turns; each of them has called once before the first round


@dataclass(slots=True)
class Samples:
    """Seconds per request of each round: in the contestant's process, on the clock, and in the database's processes."""

    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)
    database: list[float] = field(default_factory=list)

    def summary(self) -> dict[str, float]:
        """Medians and extremes in microseconds."""
        return {
            "cpu_us": median(self.cpu) * 1e6,
            "cpu_min_us": min(self.cpu) * 1e6,
            "cpu_max_us": max(self.cpu) * 1e6,
            "wall_us": median(self.wall) * 1e6,
            "database_us": median(self.database) * 1e6,
        }


class Worker:
    """A contestant in a process of its own, told what to do call by call; see bench.inprocess."""

    def __init__(self, contestant: Contestant, database: Database) -> None:
        self.contestant = contestant
        self.database = database
        self.log = SCRATCH / f"inprocess-{contestant.name}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [contestant.python, "-m", "bench.inprocess", str(contestant.asgi)],
                cwd=ROOT,
                env=contestant.variables(database),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def tell(self, **command: Any) -> dict[str, Any]:
        """Raises BenchError when the contestant answers wrongly, or not at all."""
        if self.process.stdin is None or self.process.stdout is None:
            raise BenchError("The child has no pipes.")
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        answer: dict[str, Any] = json.loads(line) if line else {"error": f"it ended, see {self.log}"}
        if "error" in answer:
            raise BenchError(f"{self.contestant.title}, {command}: {answer['error']}")
        return answer

    def prepare(self, call: Call, file: str, warm_up: int) -> None:
        self.tell(load=call.name, file=file)
        if call.name == "unchanged":
            self.tell(etags=call.name)
        check(self.contestant, call, call.status, self.run(call, 1)["body"])
        self.run(call, warm_up)

    def run(self, call: Call, count: int) -> dict[str, Any]:
        return self.tell(run=call.name, count=count, status=call.status)

    def measure(self, call: Call, count: int, samples: Samples) -> None:
        before = self.database.processor_seconds()
        answer = self.run(call, count)
        samples.database.append(spent(before, self.database.processor_seconds()) / count)
        samples.cpu.append(answer["cpu"] / count)
        samples.wall.append(answer["wall"] / count)

    def stop(self) -> None:
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextmanager
def started(contestants: list[Contestant], database: Database) -> Iterator[list[Worker]]:
    with ExitStack() as stack:
        workers = []
        for contestant in contestants:
            worker = Worker(contestant, database)
            stack.callback(worker.stop)
            workers.append(worker)
        yield workers


def prepare_calls(workers: list[Worker], calls: list[Call], connection: Connection, needed: int) -> None:
    for call in calls:
        for table in {id(worker.contestant.table): worker.contestant.table for worker in workers}.values():
            sharing = [worker for worker in workers if worker.contestant.table is table]
            lines = lines_of(call.name, table, connection, clients=CLIENTS, spare=needed * len(sharing))
            for n, worker in enumerate(sharing):
                own = lines[n * needed : (n + 1) * needed] if call.name == "delete" else lines
                if takes_part(worker.contestant, call):
                    file = write(SCRATCH / f"inprocess-{worker.contestant.name}-{call.name}.tsv", own)
                    worker.prepare(call, str(file), warm_up=CLIENTS)


def measure(
    database: Database, contestants: list[Contestant], calls: list[Call], rounds: int, count: int
) -> dict[str, dict[str, Samples]]:
    """Samples by contestant and call."""
    samples = {each.name: {call.name: Samples() for call in calls if takes_part(each, call)} for each in contestants}
    with started(contestants, database) as workers, database.connect() as connection:
        # One call more is the sanity check's.
        prepare_calls(workers, calls, connection, needed=rounds * count + CLIENTS + 1)
        for number in range(rounds):
            for call in calls:
                for worker in workers[number % len(workers) :] + workers[: number % len(workers)]:
                    if takes_part(worker.contestant, call):
                        worker.measure(call, count, samples[worker.contestant.name][call.name])
    return samples


def populate(database: Database, contestants: list[Contestant], users: int = USERS, tasks: int = TASKS) -> None:
    """A fresh database with the same rows for everybody."""
    tables = [contestant.table for contestant in contestants]
    database.recreate()
    with database.connect() as connection:
        if PEERS in tables:
            create_peers_table(connection, users=users, tasks=tasks)
        if product.TABLE in tables:
            product.migrate(database)
            product.fill(connection, users=users, tasks=tasks)
        connection.execute("checkpoint")


def main() -> None:
    parser = argparse.ArgumentParser(description="Processor time per request, in process.")
    in_process = [contestant.name for contestant in CONTESTANTS.values() if contestant.asgi]
    parser.add_argument("--only", default=",".join(in_process), help="contestants, comma-separated")
    parser.add_argument("--calls", default=",".join(CALLS), help="calls, comma-separated")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--count", type=int, default=300, help="calls of each kind in a round")
    options = parser.parse_args()
    contestants = [CONTESTANTS[name] for name in options.only.split(",")]
    calls = [CALLS[name] for name in options.calls.split(",")]
    tools.prepare(node_peer=False, wrk=False)
    with running() as database:
        populate(database, contestants)
        show(measure(database, contestants, calls, options.rounds, options.count), calls)


def show(samples: dict[str, dict[str, Samples]], calls: list[Call]) -> None:
    say(f"{'':10} {'contestant':12} {'CPU µs':>8} {'min':>6} {'max':>6} {'wall':>6} {'db CPU':>7} {'of first':>9}")
    for call in calls:
        first = None
        for name, by_call in samples.items():
            if call.name not in by_call:
                continue
            numbers = by_call[call.name].summary()
            first = first or numbers["cpu_us"]
            say(
                f"{call.name:10} {name:12} {numbers['cpu_us']:8.0f} {numbers['cpu_min_us']:6.0f} "
                f"{numbers['cpu_max_us']:6.0f} {numbers['wall_us']:6.0f} {numbers['database_us']:7.0f} "
                f"{first / numbers['cpu_us']:8.2f}×"
            )


if __name__ == "__main__":
    command.run(main)
