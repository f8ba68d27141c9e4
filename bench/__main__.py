"""`make bench`: everything side by side, in one run on one machine.

    python -m bench [--quick] [--only product,fastapi] [--calls list,create]

A full run writes bench/results.json, the plot and the tables of docs/performance.md. A quick one, or one of a part,
prints its tables and leaves the published numbers alone.
"""

import argparse
import os
from dataclasses import dataclass

from bench import command, cpu, load, report, tables, tools
from bench.contestants import CONTESTANTS, Contestant
from bench.database import running
from bench.places import SCRATCH, say
from bench.plan import CALLS, Call


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured: rounds and calls a round in process, rounds and seconds each over HTTP, starts."""

    rounds: int
    count: int
    http_rounds: int
    seconds: int
    starts: int


FULL = Size(rounds=5, count=200, http_rounds=3, seconds=2, starts=3)
QUICK = Size(rounds=3, count=60, http_rounds=2, seconds=1, starts=1)
BUSY = 0.5  # load average before a run, above which it says that it does not have the machine for itself
QUICK_HTTP = ("list", "create")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description="This project beside its peers.")
    parser.add_argument("--quick", action="store_true", help="under two minutes; fewer rounds, less certain")
    parser.add_argument("--only", default="", help="contestants, comma-separated")
    parser.add_argument("--calls", default="", help="calls, comma-separated")
    options = parser.parse_args()
    contestants = [CONTESTANTS[name] for name in options.only.split(",") if name] or list(CONTESTANTS.values())
    calls = [CALLS[name] for name in options.calls.split(",") if name] or list(CALLS.values())
    tools.prepare()
    load_before = os.getloadavg()[0]
    if load_before > BUSY:
        say(f"This machine is busy already (load {load_before:.1f}): the numbers will be worse, and uneven.")
    results = run(contestants, calls, quick=options.quick) | {"load_before": round(load_before, 2)}
    say(tables.markdown(results))
    if options.quick or options.only or options.calls:
        report.save(results, SCRATCH / "results.json")
        return
    report.save(results, report.RESULTS)
    report.publish(results)


def run(contestants: list[Contestant], calls: list[Call], *, quick: bool) -> report.Results:
    size = QUICK if quick else FULL
    with running() as database:
        say("Filling the database …")
        cpu.populate(database, contestants)
        say("Measuring in process …")
        applications = [contestant for contestant in contestants if contestant.asgi]
        in_process = cpu.measure(database, applications, calls, size.rounds, size.count)
        say("Measuring over HTTP …")
        http_calls = [call for call in calls if call.name in QUICK_HTTP] if quick else calls
        over_http = load.measure(
            database, contestants, http_calls, rounds=size.http_rounds, seconds=size.seconds, starts=size.starts
        )
        return report.gather(database, in_process, over_http, quick=quick)


if __name__ == "__main__":
    command.run(main)
