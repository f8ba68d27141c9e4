"""Throughput and latency over HTTP: wrk, one worker, interleaved rounds."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from bench.check import check, check_refusal, takes_part
from bench.contestants import Contestant
from bench.data import Connection
from bench.database import Database, spent
from bench.places import BENCH, SCRATCH, BenchError
from bench.plan import CALLS, Call, Line, lines_of, write
from bench.servers import Server
from bench.tokens import forged

CONNECTIONS = 32


@dataclass(slots=True)
class Rounds:
    """What wrk and the kernel counted, one entry a round."""

    throughput: list[float] = field(default_factory=list)
    percentiles: list[dict[str, float]] = field(default_factory=list)
    server_cpu: list[float] = field(default_factory=list)
    database_cpu: list[float] = field(default_factory=list)

    def summary(self) -> dict[str, float]:
        """Requests a second, latency in milliseconds, processor time per request in microseconds: medians."""
        latency = {
            f"{name}_ms": median(each[name] for each in self.percentiles) / 1e3 for name in ("p50", "p95", "p99")
        }
        return {
            "per_second": median(self.throughput),
            "per_second_min": min(self.throughput),
            "per_second_max": max(self.throughput),
            **latency,
            "server_cpu_us": median(self.server_cpu) * 1e6,
            "database_us": median(self.database_cpu) * 1e6,
        }


def wrk(port: int, file: Path, *, seconds: int, connections: int = CONNECTIONS, threads: int = 1) -> dict[str, Any]:
    """Raises BenchError when any answer is an error or a connection fails."""
    command = ["wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s"]
    command += ["-s", str(BENCH / "load.lua"), f"http://127.0.0.1:{port}", "--", str(file)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    _, found, result = finished.stdout.partition("RESULT ")
    if not found:
        raise BenchError(f"wrk did not finish: {finished.stderr.strip() or finished.stdout.strip()}")
    counted: dict[str, Any] = json.loads(result)
    return counted


class Field:
    """The contestants as running servers, with the requests that each of them gets."""

    def __init__(self, servers: list[Server], database: Database, connection: Connection, seconds: int) -> None:
        self.servers = servers
        self.database = database
        self.connection = connection
        self.seconds = seconds
        self.files: dict[tuple[str, str], Path] = {}

    def requests(self, server: Server, call: Call) -> Path:
        """The file of a call's requests, checked with the first of them; rows to delete are made anew each time."""
        key = (server.contestant.name, call.name)
        if key not in self.files or call.name == "delete":
            spare = server.contestant.deletes_per_second * self.seconds
            lines = lines_of(call.name, server.contestant.table, self.connection, spare=spare)
            if call.name == "unchanged":
                lines = [with_etag(server, line) for line in lines]
            answer = server.ask(lines.pop() if call.name == "delete" else lines[0])
            check(server.contestant, call, answer.status, answer.body)
            self.files[key] = write(SCRATCH / f"http-{key[0]}-{key[1]}.tsv", lines)
        return self.files[key]

    def measure(self, server: Server, call: Call, rounds: Rounds) -> None:
        file = self.requests(server, call)
        server_before, database_before = server.processor_seconds(), self.database.processor_seconds()
        counted = wrk(server.port, file, seconds=self.seconds)
        if counted["wrong"] or counted["socket"]:
            raise BenchError(f"{server.contestant.title} failed under load in {call.name}: {counted}.")
        requests = counted["requests"]
        rounds.server_cpu.append((server.processor_seconds() - server_before) / requests)
        rounds.database_cpu.append(spent(database_before, self.database.processor_seconds()) / requests)
        rounds.throughput.append(requests / counted["microseconds"] * 1e6)
        rounds.percentiles.append(counted)


def with_etag(server: Server, line: Line) -> Line:
    return Line(line.method, line.path, line.token, etag=server.ask(line).headers["etag"])


@dataclass(slots=True)
class Outcome:
    """By contestant: rounds of each call, seconds of each start, and the peak of resident memory in MiB."""

    calls: dict[str, dict[str, Rounds]]
    starts: dict[str, list[float]]
    memory: dict[str, float]


@contextmanager
def started(
    contestants: list[Contestant], database: Database, connection: Connection, starts: int
) -> Iterator[tuple[list[Server], dict[str, list[float]]]]:
    """The running servers, and how long each of several starts took."""
    taken: dict[str, list[float]] = {contestant.name: [] for contestant in contestants}
    with ExitStack() as stack:
        servers = []
        for number in range(starts):
            for contestant in contestants:
                server = Server(contestant, database)
                stack.callback(server.stop)
                first = lines_of("list", contestant.table, connection)[0]
                taken[contestant.name].append(server.start(first))
                if number + 1 < starts:
                    server.stop()
                else:
                    servers.append(server)
        yield servers, taken


def measure(
    database: Database, contestants: list[Contestant], calls: list[Call], *, rounds: int, seconds: int, starts: int
) -> Outcome:
    results = {each.name: {call.name: Rounds() for call in calls if takes_part(each, call)} for each in contestants}
    with database.connect() as connection, started(contestants, database, connection, starts) as (servers, taken):
        ground = Field(servers, database, connection, seconds)
        for server in servers:
            check_refusal(server.contestant, server.ask(Line("GET", "/api/tasks", forged())).status)
            wrk(server.port, ground.requests(server, CALLS["list"]), seconds=1)
        for number in range(rounds):
            for call in calls:
                for server in servers[number % len(servers) :] + servers[: number % len(servers)]:
                    if takes_part(server.contestant, call):
                        ground.measure(server, call, results[server.contestant.name][call.name])
        memory = {server.contestant.name: sum(server.memory()) for server in servers}
    return Outcome(results, taken, memory)
