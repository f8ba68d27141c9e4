"""What the project promises, as ratios within one run, and whether the run kept it."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Target:
    """`measure` is "cpu" (microseconds in process, less is better) or "http" (requests a second, more is better)."""

    measure: str
    call: str
    against: str
    bound: float


@dataclass(frozen=True, slots=True)
class Verdict:
    target: Target
    ratio: float

    @property
    def kept(self) -> bool:
        return self.ratio <= self.target.bound if self.target.measure == "cpu" else self.ratio >= self.target.bound


TARGETS = (
    Target("cpu", "list", "fastapi", 0.25),
    Target("cpu", "get", "fastapi", 0.28),
    Target("cpu", "create", "fastapi", 0.25),
    Target("cpu", "patch", "fastapi", 0.25),
    Target("cpu", "delete", "fastapi", 0.25),
    Target("cpu", "list", "floor", 1.5),
    Target("cpu", "get", "floor", 1.8),
    Target("http", "list", "fastapi", 3.3),
    Target("http", "list", "litestar", 2.4),
    Target("http", "list", "bolt", 2.8),
    Target("http", "list", "fastify", 0.55),
    Target("http", "list", "ninja", 6.0),
    Target("http", "create", "fastapi", 4.0),
)
FIELDS = {"cpu": "cpu_us", "http": "per_second"}


def verdicts(results: dict[str, Any]) -> list[Verdict]:
    """The targets that the run measured; `results` is what bench/results.json holds."""
    found = []
    for target in TARGETS:
        measured = results[target.measure]
        ours, theirs = (measured.get(name, {}).get(target.call) for name in ("product", target.against))
        if ours and theirs:
            field = FIELDS[target.measure]
            found.append(Verdict(target, ours[field] / theirs[field]))
    return found
