"""The results as Markdown."""

from collections.abc import Iterable
from typing import Any

from bench.contestants import CONTESTANTS
from bench.targets import verdicts

Results = dict[str, Any]


def markdown(results: Results) -> str:
    parts = [
        machine(results),
        "**Targets**, as ratios in this run.",
        targets(results),
        "**Processor time per request in process**, µs: the median of the rounds (the least – the most).",
        calls_table(results["cpu"], lambda n: f"{n['cpu_us']:.0f} ({n['cpu_min_us']:.0f} – {n['cpu_max_us']:.0f})"),
        "**Requests a second over HTTP**, one worker, 32 connections: the median (the least – the most).",
        calls_table(
            results["http"],
            lambda n: f"{n['per_second']:,.0f} ({n['per_second_min']:,.0f} – {n['per_second_max']:,.0f})",
        ),
        "**Latency in that load**, ms: p50 / p95 / p99.",
        calls_table(results["http"], lambda n: f"{n['p50_ms']:.1f} / {n['p95_ms']:.1f} / {n['p99_ms']:.1f}"),
        "**Processor time of the server process per request in that load**, µs; HTTP included.",
        calls_table(results["http"], lambda n: f"{n['server_cpu_us']:.0f}"),
        "**Processor time of PostgreSQL per request**, µs, planning, triggers, policies and commits included.",
        calls_table(results["http"], lambda n: f"{n['database_us']:.0f}"),
        (
            "**Start and memory**: seconds from the start of the process to its first right answer; the peak of its "
            "resident memory after all of the above."
        ),
        footing(results),
    ]
    return "\n\n".join(parts)


def headline(results: Results) -> str:
    """The few numbers that the README shows."""
    rows = []
    for name in results["http"]:
        cpu, http = results["cpu"].get(name, {}), results["http"][name]
        rows.append(
            (
                title(name),
                *(f"{cpu[call]['cpu_us']:.0f}" if call in cpu else "–" for call in ("list", "create")),
                *(f"{http[call]['per_second']:,.0f}" if call in http else "–" for call in ("list", "create")),
            )
        )
    return table(["", "list: CPU µs", "create: CPU µs", "lists a second", "creates a second"], rows)


def machine(results: Results) -> str:
    facts = results["machine"]
    kind = "A quick run" if results["quick"] else "Measured"
    return (
        f"{kind} on {results['date']}: {facts['cores']} cores of {facts['processor']}, {facts['system']}, "
        f"Python {facts['python']}, Node.js {facts['node']}, PostgreSQL {facts['postgresql']}; "
        "the load generator and the database run on the same cores. "
        f"Load average before the run: {results['load_before']:.1f}."
    )


def verdict(kept: bool) -> str:
    return "ok" if kept else "missed"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    columns = list(head)
    lines = ["| " + " | ".join(columns) + " |", "|---|" + "---:|" * (len(columns) - 1)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def calls_table(measured: dict[str, dict[str, dict[str, float]]], cell: Any) -> str:
    """One row per contestant, one column per call; a dash where the contestant has no such call."""
    calls = list(dict.fromkeys(call for by_call in measured.values() for call in by_call))
    rows = (
        [title(name), *(cell(by_call[call]) if call in by_call else "–" for call in calls)]
        for name, by_call in measured.items()
    )
    return table(["", *calls], rows)


def title(name: str) -> str:
    return f"**{CONTESTANTS[name].title}**" if name == "product" else CONTESTANTS[name].title


def targets(results: Results) -> str:
    what = {"cpu": "CPU per request", "http": "throughput over HTTP"}
    sign = {"cpu": "≤", "http": "≥"}
    rows = []
    for each in verdicts(results):
        target = each.target
        rows.append(
            (
                f"{target.call}: {what[target.measure]}, against {CONTESTANTS[target.against].title}",
                f"{each.ratio:.2f}×",
                f"{sign[target.measure]} {target.bound:g}×",
                verdict(each.kept),
            )
        )
    return table(["", "ratio", "target", ""], rows)


def footing(results: Results) -> str:
    rows = (
        (title(name), f"{start['median']:.2f} s", f"{results['memory'][name]:.0f} MiB")
        for name, start in results["start"].items()
    )
    return table(["", "first answer after", "peak memory"], rows)
