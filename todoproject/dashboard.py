"""The picture of the day on the admin's first page: one query a chart, kept for a minute."""

import json
from collections.abc import Callable
from datetime import date
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from prometheus_client.parser import text_string_to_metric_families

from authn import statistics as people
from authn.statistics import Daily
from tasks import statistics as tasks

from . import metrics

DAYS = 30
KEPT_SECONDS = 60
# Mid tones: they stand out from a white page as from a nearly black one.
FIRST, SECOND = "#2b8fd9", "#e0883a"
AXIS = "#8792a2"


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's DASHBOARD_CALLBACK. The numbers name nobody, so that everybody on the staff may see them."""
    accounts, active = _kept("accounts", people.new_accounts), _kept("active", people.active_accounts)
    created, completed = _kept("created", tasks.created_tasks), _kept("completed", tasks.completed_tasks)
    context |= {
        "cards": [
            _card("Active today", active),
            _card("New accounts today", accounts),
            _card("Tasks created today", created),
            _card("Tasks completed today", completed),
        ],
        "charts": [
            _chart("People a day", [("Active", FIRST, active), ("New", SECOND, accounts)]),
            _chart("Tasks a day", [("Created", FIRST, created), ("Completed", SECOND, completed)]),
        ],
        "api": _api_answers(),
        "days": DAYS,
    }
    return context


def _kept(name: str, count: Callable[[int], Daily]) -> Daily:
    key = f"dashboard-{name}"
    found: Daily | None = cache.get(key)
    if found is None:
        found = count(DAYS)
        cache.set(key, found, KEPT_SECONDS)
    return found


def _card(title: str, daily: Daily) -> dict[str, Any]:
    *_, yesterday, today = daily.values()
    return {"title": title, "value": today, "yesterday": yesterday}


def _chart(title: str, series: list[tuple[str, str, Daily]]) -> dict[str, Any]:
    days = list(series[0][2])
    datasets = [
        {"label": label, "data": list(daily.values()), "borderColor": colour, "backgroundColor": colour}
        for label, colour, daily in series
    ]
    return {
        "title": title,
        "empty": not any(any(daily.values()) for _, _, daily in series),
        "legend": [(label, colour) for label, colour, _ in series],
        "summary": "; ".join(f"{label}: {sum(daily.values())}" for label, _, daily in series),
        "data": json.dumps({"labels": [_short(day) for day in days], "datasets": datasets}),
        "options": OPTIONS,
    }


def _short(day: date) -> str:
    return f"{day.day} {day:%b}"


OPTIONS = json.dumps(
    {
        "maintainAspectRatio": False,
        "animation": False,
        "interaction": {"mode": "index", "intersect": False},
        "plugins": {"legend": {"display": False}},
        "datasets": {"bar": {"borderRadius": 3, "categoryPercentage": 0.7, "barPercentage": 1}},
        "scales": {
            "x": {
                "grid": {"display": False},
                "ticks": {"color": AXIS, "maxRotation": 0, "autoSkip": True, "maxTicksLimit": 8},
            },
            "y": {
                "beginAtZero": True,
                "border": {"display": False},
                "grid": {"display": True},
                "ticks": {"color": AXIS, "precision": 0, "maxTicksLimit": 6},
            },
        },
    }
)


def _api_answers() -> list[tuple[str, int]] | None:
    """The API's answers since its processes started, by kind; None when nobody counts them."""
    if settings.METRICS_TOKEN is None:
        return None
    kinds = {"Answered": 0, "Refused (401, 403, 429)": 0, "Other client errors (4xx)": 0, "Errors (5xx)": 0}
    for family in text_string_to_metric_families(metrics.exposition().decode()):
        if family.name == "todo_requests":
            for sample in family.samples:
                if sample.name == "todo_requests_total":
                    kinds[_kind(sample.labels["status"])] += int(sample.value)
    return list(kinds.items())


def _kind(status: str) -> str:
    if status in ("401", "403", "429"):
        return "Refused (401, 403, 429)"
    return {"4": "Other client errors (4xx)", "5": "Errors (5xx)"}.get(status[0], "Answered")
