"""The published numbers are generated, and a missed target says so."""

from pathlib import Path
from typing import Any

import pytest

from bench import plot, report, tables
from bench.places import BenchError
from bench.targets import verdicts

PROCESSOR = {"cpu_min_us": 90.0, "cpu_max_us": 110.0, "wall_us": 120.0, "database_us": 30.0}
LATENCY = {"p50_ms": 1.0, "p95_ms": 2.0, "p99_ms": 3.0, "server_cpu_us": 100.0, "database_us": 30.0}


def results(ours_cpu: float, ours_per_second: float) -> dict[str, Any]:
    def http(per_second: float) -> dict[str, float]:
        return {**LATENCY, "per_second": per_second, "per_second_min": per_second, "per_second_max": per_second}

    return {
        "date": "2026-01-01",
        "quick": False,
        "load_before": 0.1,
        "machine": dict.fromkeys(("processor", "cores", "system", "python", "node", "postgresql"), "x"),
        "cpu": {
            "product": {"list": {**PROCESSOR, "cpu_us": ours_cpu}},
            "fastapi": {"list": {**PROCESSOR, "cpu_us": 1000.0}},
        },
        "http": {"product": {"list": http(ours_per_second)}, "fastapi": {"list": http(1000.0)}},
        "start": {"product": {"median": 0.5}, "fastapi": {"median": 0.4}},
        "memory": {"product": 90.0, "fastapi": 80.0},
    }


def test_targets_that_are_met_exactly_are_kept() -> None:
    found = verdicts(results(250.0, 3300.0))

    assert [(verdict.target.measure, verdict.ratio, verdict.kept) for verdict in found] == [
        ("cpu", 0.25, True),
        ("http", 3.3, True),
    ]


def test_a_missed_target_is_called_missed() -> None:
    text = tables.targets(results(260.0, 3200.0))

    assert "| list: CPU per request, against FastAPI + SQLModel | 0.26× | ≤ 0.25× | missed |" in text
    assert "| list: throughput over HTTP, against FastAPI + SQLModel | 3.20× | ≥ 3.3× | missed |" in text


def test_only_the_generated_block_of_a_document_changes(tmp_path: Path) -> None:
    document = tmp_path / "page.md"
    document.write_text("before\n<!-- bench: begin -->\nold\n<!-- bench: end -->\nafter\n")

    report.replace_block(document, "bench", "new")

    assert document.read_text() == "before\n<!-- bench: begin -->\n\nnew\n\n<!-- bench: end -->\nafter\n"


def test_a_document_without_markers_is_refused(tmp_path: Path) -> None:
    document = tmp_path / "page.md"
    document.write_text("no markers\n")

    with pytest.raises(BenchError, match="put <!-- bench: begin --> and <!-- bench: end -->"):
        report.replace_block(document, "bench", "new")


def test_the_plot_names_everybody_it_shows() -> None:
    drawing = plot.svg({**results(250.0, 3300.0)})

    assert "this project" in drawing
    assert "FastAPI + SQLModel" in drawing


def test_the_tables_say_whether_the_machine_was_busy() -> None:
    text = tables.markdown({**results(250.0, 3300.0), "load_before": 8.7})

    assert "Load average before the run: 8.7." in text
