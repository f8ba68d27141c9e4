"""The results as a plot: plain SVG without a background, in tones that read on white and on black."""

from collections.abc import Iterator
from typing import Any
from xml.sax.saxutils import escape

from bench.contestants import CONTESTANTS

TEXT, OURS, PEER, WHISKER = "#6f7b88", "#2f81f7", "#8b949e", "#57606a"
WIDTH, PANEL, LABEL, BAR, GAP = 960, 480, 170, 18, 8
HEAD = 34  # height of a panel's title
PANELS = (
    ("cpu", "list", "List of 20: CPU per request, µs (less is better)", "cpu_us", "cpu_min_us", "cpu_max_us"),
    (
        "http",
        "list",
        "List of 20: requests a second (more is better)",
        "per_second",
        "per_second_min",
        "per_second_max",
    ),
    ("cpu", "create", "Create: CPU per request, µs (less is better)", "cpu_us", "cpu_min_us", "cpu_max_us"),
    ("http", "create", "Create: requests a second (more is better)", "per_second", "per_second_min", "per_second_max"),
)


def svg(results: dict[str, Any]) -> str:
    rows = max(len(results[panel[0]]) for panel in PANELS)
    height = HEAD + rows * (BAR + GAP) + 16
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {2 * height}" role="img" '
            f'font-family="system-ui, sans-serif" font-size="13" fill="{TEXT}">'
        ),
        "<title>Processor time and throughput of this project beside its peers</title>",
    ]
    for number, (measure, call, heading, *fields) in enumerate(PANELS):
        left, top = (number % 2) * PANEL, (number // 2) * height
        parts.append(f'<g transform="translate({left} {top})">')
        parts.append(f'<text x="0" y="18" font-weight="600">{escape(heading)}</text>')
        parts += bars(results[measure], call, fields)
        parts.append("</g>")
    return "\n".join([*parts, "</svg>"]) + "\n"


def bars(measured: dict[str, dict[str, dict[str, float]]], call: str, fields: list[str]) -> Iterator[str]:
    """One bar per contestant, with a whisker from the least to the most of the rounds."""
    shown = [
        (name, [by_call[call][field] for field in fields]) for name, by_call in measured.items() if call in by_call
    ]
    scale = (PANEL - LABEL - 80) / max((most for _, (_, _, most) in shown), default=1.0)
    for row, (name, (middle, least, most)) in enumerate(shown):
        y = HEAD + row * (BAR + GAP)
        centre = y + BAR / 2
        weight = "700" if name == "product" else "400"
        yield f'<text x="{LABEL - 8}" y="{y + 14}" text-anchor="end" font-weight="{weight}">{label(name)}</text>'
        colour = OURS if name == "product" else PEER
        yield f'<rect x="{LABEL}" y="{y}" width="{middle * scale:.1f}" height="{BAR}" rx="2" fill="{colour}"/>'
        yield (
            f'<path d="M{LABEL + least * scale:.1f} {centre}H{LABEL + most * scale:.1f}" '
            f'stroke="{WHISKER}" stroke-width="2"/>'
        )
        yield f'<text x="{LABEL + most * scale + 6:.1f}" y="{y + 14}" font-weight="{weight}">{middle:,.0f}</text>'


def label(name: str) -> str:
    return escape(CONTESTANTS[name].title)
