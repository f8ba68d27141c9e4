"""A thousand users at once, on two workers, with the load generator and the database on the same cores.

    python -m bench.thousand [--seconds 60] [--clients 1000] [--workers 2]

First each client makes one call a second, four reads to one write; then all call as fast as they are answered, in
comparison with 32 clients that do the same.
"""

import argparse
import resource
import time
from dataclasses import dataclass
from statistics import quantiles
from typing import Any

import uvloop

from bench import clients as http
from bench import command, cpu, report, tools
from bench.contestants import CONTESTANTS
from bench.data import Connection
from bench.database import running
from bench.places import BENCH, BenchError, say
from bench.plan import PAGE, Line
from bench.plan import json as encoded
from bench.servers import Server
from bench.tables import table, verdict
from bench.tokens import token

FEW = 32
PRODUCT = CONTESTANTS["product"]
LIMITS = {"p95_ms": 50.0, "p99_ms": 150.0, "worker_mib": 200.0}
THROUGHPUT_KEPT = 0.85  # of that at 32 clients
FAIRNESS = 0.2  # what the least served client gets of what the most served one does


@dataclass(frozen=True, slots=True)
class Load:
    """What the clients saw together."""

    answers: int
    per_second: float
    milliseconds: list[float]  # the percentiles 1 to 99
    errors: list[str]
    fairness: float

    def report(self) -> dict[str, Any]:
        return {
            "answers": self.answers,
            "per_second": self.per_second,
            "p50_ms": self.milliseconds[49],
            "p95_ms": self.milliseconds[94],
            "p99_ms": self.milliseconds[98],
            "errors": len(self.errors),
            "first_errors": self.errors[:3],
            "fairness": self.fairness,
        }


def lines_by_client(connection: Connection, number: int) -> list[list[Line]]:
    """Ten requests that a client walks over: five lists, three single reads and two writes."""
    tasks = dict(PRODUCT.table.tasks_of(connection, 1, number, 1))
    return [requests_of(subject, key, place) for place, (subject, key) in enumerate(tasks.items())]


def requests_of(subject: str, key: str, place: int) -> list[Line]:
    bearer = token(subject)
    page = Line("GET", f"/api/tasks?limit={PAGE}", bearer)
    one = Line("GET", f"/api/tasks/{key}", bearer)
    create = Line("POST", "/api/tasks", bearer, encoded(title="Made under load"))
    rename = Line("PATCH", f"/api/tasks/{key}", bearer, encoded(title=f"Renamed under load by {place}"))
    restore = Line("PATCH", f"/api/tasks/{key}", bearer, encoded(title="Renamed back"))
    write = (create, rename) if place % 2 else (restore, rename)
    walk = [page, one, page, write[0], page, one, page, one, write[1], page]
    # The clients do not all read or write at the same moment.
    return walk[place % len(walk) :] + walk[: place % len(walk)]


async def put_under(port: int, lines: list[list[Line]], seconds: float, *, pace: float | None) -> Load:
    """`pace` is the seconds between two calls of a client, None for as fast as they are answered."""
    clients = await http.connect(port, lines)
    began = time.perf_counter()
    try:
        if pace is None:
            await http.flat_out(clients, seconds)
        else:
            await http.paced(clients, seconds, pace)
    finally:
        http.close(clients)
    elapsed = time.perf_counter() - began
    latencies = [latency for client in clients for latency in client.tally.latencies]
    counts = [len(client.tally.latencies) for client in clients]
    errors = [error for client in clients for error in client.tally.errors]
    percentiles = [cut * 1e3 for cut in quantiles(latencies, n=100)]
    return Load(len(latencies), len(latencies) / elapsed, percentiles, errors, min(counts) / max(counts))


def measure(server: Server, connection: Connection, number: int, seconds: float) -> dict[str, Any]:
    lines = lines_by_client(connection, number)
    uvloop.run(put_under(server.port, lines[:FEW], 3, pace=None))
    say(f"{number} clients, a call a second each, {seconds:.0f} s …")
    paced = uvloop.run(put_under(server.port, lines, seconds, pace=1.0))
    burst = max(5.0, seconds / 4)
    say(f"{FEW} clients, then {number}, as fast as they are answered, {burst:.0f} s each …")
    few = uvloop.run(put_under(server.port, lines[:FEW], burst, pace=None))
    many = uvloop.run(put_under(server.port, lines, burst, pace=None))
    return {
        "paced": paced.report(),
        "few_flat_out": few.report(),
        "flat_out": many.report(),
        "worker_mib": max(server.memory()),
    }


def verdicts(results: dict[str, Any]) -> list[tuple[str, str, str, bool]]:
    """(what, measured, target, kept)."""
    paced, few, many = results["paced"], results["few_flat_out"], results["flat_out"]
    kept = many["per_second"] / few["per_second"]
    memory = results["worker_mib"]
    return [
        *(
            (f"{name[:3]} at a call a second", f"{paced[name]:.1f} ms", f"< {bound:.0f} ms", paced[name] < bound)
            for name, bound in LIMITS.items()
            if name in paced
        ),
        ("errors at a call a second", str(paced["errors"]), "0", not paced["errors"]),
        ("errors as fast as they can", str(many["errors"]), "0", not many["errors"]),
        ("throughput, beside 32 clients", f"{kept:.2f}×", f"≥ {THROUGHPUT_KEPT}×", kept >= THROUGHPUT_KEPT),
        (
            "least / most served client",
            f"{many['fairness']:.2f}",
            f"≥ {FAIRNESS}",
            many["fairness"] >= FAIRNESS,
        ),
        ("memory of a worker", f"{memory:.0f} MiB", "< 200 MiB", memory < LIMITS["worker_mib"]),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description="A thousand users at once.")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--publish", action="store_true", help="write bench/thousand.json and docs/performance.md")
    options = parser.parse_args()
    tools.prepare(python_peers=False, node_peer=False, wrk=False)
    allow_files(2 * options.clients + 100)
    with running() as database:
        cpu.populate(database, [PRODUCT])
        server = Server(PRODUCT, database, WORKERS=str(options.workers))
        try:
            server.start(Line("GET", "/api/tasks", token("demo-1")))
            with database.connect() as connection:
                results = measure(server, connection, options.clients, options.seconds)
            results |= {
                "clients": options.clients,
                "workers": options.workers,
                "seconds": options.seconds,
                "machine": report.machine(database),
            }
        finally:
            server.stop()
    text = markdown(results)
    say(text)
    for error in (*results["paced"]["first_errors"], *results["flat_out"]["first_errors"]):
        say(error)
    if options.publish:
        report.save(results, BENCH / "thousand.json")
        report.replace_block(report.DOCUMENT, "thousand", text)


def markdown(results: dict[str, Any]) -> str:
    machine = results["machine"]
    text = (
        f"{results['clients']:,} clients, {results['workers']} workers, {results['seconds']:.0f} s, on "
        f"{machine['cores']} cores of {machine['processor']} with the load generator and the database."
    )
    names = {
        "paced": "a call a second each",
        "few_flat_out": f"{FEW} clients, as fast as they are answered",
        "flat_out": "all, as fast as they are answered",
    }
    loads = ((title, *columns(results[name])) for name, title in names.items())
    measured = table(["", "calls a second", "p50", "p95", "p99", "errors", "least / most served"], loads)
    kept = table(["", "measured", "target", ""], ((*row[:3], verdict(row[3])) for row in verdicts(results)))
    return f"{text}\n\n{measured}\n\n{kept}"


def columns(load: dict[str, Any]) -> list[str]:
    percentiles = [f"{load[name]:.1f} ms" for name in ("p50_ms", "p95_ms", "p99_ms")]
    return [f"{load['per_second']:,.0f}", *percentiles, str(load["errors"]), f"{load['fairness']:.2f}"]


def allow_files(number: int) -> None:
    """Every client is an open file, here and in the server, which inherits the limit. Raises BenchError."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < number:
        raise BenchError(f"{number} open files are needed and {hard} allowed: raise the limit (`ulimit -Hn {number}`).")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, number), hard))


if __name__ == "__main__":
    command.run(main)
