"""What a run leaves behind: results.json, the plot, and the generated part of the documents.

    python -m bench.report

writes the plot and the documents anew from bench/results.json.
"""

import json
import os
import platform
import re
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from bench import plot, tables, tools
from bench.cpu import Samples
from bench.database import Database
from bench.load import Outcome
from bench.places import BENCH, ROOT, BenchError, say

RESULTS = BENCH / "results.json"
PLOT = ROOT / "docs" / "performance.svg"
Results = dict[str, Any]
DOCUMENT = ROOT / "docs" / "performance.md"
README = ROOT / "README.md"


def gather(
    database: Database, in_process: dict[str, dict[str, Samples]], over_http: Outcome, *, quick: bool
) -> dict[str, Any]:
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "quick": quick,
        "machine": machine(database),
        "cpu": summaries(in_process),
        "http": summaries(over_http.calls),
        "start": {name: {"median": median(taken), "all": taken} for name, taken in over_http.starts.items()},
        "memory": over_http.memory,
    }


def summaries(measured: dict[str, dict[str, Any]]) -> dict[str, dict[str, dict[str, float]]]:
    return {
        name: {call: {k: round(v, 3) for k, v in samples.summary().items()} for call, samples in by_call.items()}
        for name, by_call in measured.items()
    }


def machine(database: Database) -> dict[str, Any]:
    with database.connect() as connection:
        row = connection.execute("show server_version").fetchone()
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "python": platform.python_version(),
        "node": tools.node_version() or "none",
        "postgresql": str(row[0]) if row else "unknown",
    }


def processor() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found.group(1) if found else platform.machine()


def save(results: dict[str, Any], path: Path) -> None:
    path.write_text(json.dumps(results, indent=2) + "\n")


def publish(results: dict[str, Any]) -> None:
    """Puts the plot and the tables into the documents."""
    PLOT.write_text(plot.svg(results))
    picture = "![Processor time and throughput beside the peers]"
    replace_block(DOCUMENT, "bench", f"{picture}({PLOT.name})\n\n{tables.markdown(results)}")
    if README.exists() and begin_of("bench") in README.read_text():
        replace_block(README, "bench", f"{picture}(docs/{PLOT.name})\n\n{tables.headline(results)}")


def begin_of(name: str) -> str:
    return f"<!-- {name}: begin -->"


def replace_block(document: Path, name: str, generated: str) -> None:
    """Raises BenchError when the document has no markers of this name."""
    begin, end = begin_of(name), f"<!-- {name}: end -->"
    text = document.read_text()
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise BenchError(f"{document} has no place for the numbers: put {begin} and {end} where they belong.")
    document.write_text(f"{before}{begin}\n\n{generated}\n\n{end}{after}")


if __name__ == "__main__":
    publish(json.loads(RESULTS.read_text()))
    say(f"Wrote {PLOT.relative_to(ROOT)} and {DOCUMENT.relative_to(ROOT)} from {RESULTS.relative_to(ROOT)}.")
