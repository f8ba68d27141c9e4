"""Prometheus metrics of the API, right over any number of worker processes (prometheus.github.io/client_python)."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import cache
from hmac import compare_digest
from pathlib import Path
from typing import Any

from django.conf import settings
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
    multiprocess,
)

from authn import verifier
from authn.pool import current_pool

DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"  # the client library's own; todoproject.serve sets it for several workers
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
Send = Callable[[dict[str, Any]], Awaitable[None]]
REFRESH_SECONDS = 5.0
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
LIVE = "livesum"  # the sum over the processes that live

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for every counter, of little use
registry = CollectorRegistry()
_requests = Counter("todo_requests", "Answers of the API.", ("method", "route", "status"), registry=registry)
_seconds = Histogram(
    "todo_request_seconds", "Time from request to answer.", ("method", "route"), buckets=SECONDS, registry=registry
)
_refusals = Counter("todo_token_refusals", "Calls refused with 401, by reason.", ("reason",), registry=registry)


def _gauge(name: str, meaning: str) -> Gauge:
    return Gauge(name, meaning, registry=registry, multiprocess_mode=LIVE)  # type: ignore[arg-type]


_pool_gauges = {
    "pool_size": _gauge("todo_pool_connections", "Connections to the database that the pools hold."),
    "pool_available": _gauge("todo_pool_idle_connections", "Connections of the pools that nobody uses."),
    "requests_waiting": _gauge("todo_pool_waiting", "Calls that wait for a connection now."),
}
_pool_counters = {
    "requests_num": (Counter("todo_pool_checkouts", "Connections asked for.", registry=registry), 1.0),
    "requests_queued": (Counter("todo_pool_waits", "Calls that had to wait for a connection.", registry=registry), 1.0),
    "requests_wait_ms": (Counter("todo_pool_wait_seconds", "Time waited for a connection.", registry=registry), 0.001),
    "requests_errors": (Counter("todo_pool_timeouts", "Calls that waited in vain.", registry=registry), 1.0),
    "connections_lost": (Counter("todo_pool_lost_connections", "Connections found dead.", registry=registry), 1.0),
    "connections_errors": (Counter("todo_pool_connect_errors", "Failed attempts to connect.", registry=registry), 1.0),
}
_fetches = Counter("todo_key_fetches", "Fetches of the key set, by result.", ("result",), registry=registry)
_keys = _gauge("todo_known_keys", "Published keys known, summed over the workers.")
_counted: dict[str, float] = {}


@cache
def _children(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    """Labels resolved once: what they are made of is bounded, by the routes and the statuses of the API."""
    return _requests.labels(method, route, status), _seconds.labels(method, route)


def count_request(method: str, route: str, status: int, seconds: float) -> None:
    requests, latency = _children(method if method in METHODS else "other", route, status)
    requests.inc()
    latency.observe(seconds)


def count_refusal(reason: str) -> None:
    _refusals.labels(reason).inc()


def refresh() -> None:
    """Carry over what the pool and the key set have counted by themselves."""
    pool = current_pool()
    stats = {} if pool is None else pool.get_stats()
    for name, gauge in _pool_gauges.items():
        gauge.set(stats.get(name, 0))
    for name, (counter, factor) in _pool_counters.items():
        _advance(name, counter, stats.get(name, 0) * factor)
    keys = verifier.key_set_status()
    _keys.set(keys.keys)
    _advance("keys_ok", _fetches.labels("ok"), keys.fetches_ok)
    _advance("keys_failed", _fetches.labels("failed"), keys.fetches_failed)


def start() -> None:
    """Keep what the other workers report of this one's pool fresh: a scrape reaches one worker only."""
    if settings.METRICS_TOKEN is not None and DIRECTORY in os.environ:
        _Refresher.task = asyncio.get_running_loop().create_task(_refresh_forever())


def stop() -> None:
    task, _Refresher.task = _Refresher.task, None
    if task is not None:
        task.cancel()


async def _refresh_forever() -> None:
    while True:
        refresh()
        await asyncio.sleep(REFRESH_SECONDS)


class _Refresher:
    task: asyncio.Task[None] | None = None


def _advance(name: str, counter: Counter, total: float) -> None:
    """Raise a counter to a total that began anew when it is lower than before."""
    before = _counted.get(name, 0.0)
    _counted[name] = total
    counter.inc(total - before if total >= before else total)


def exposition() -> bytes:
    """The text that Prometheus reads: this process's numbers, or those of all workers when they share a directory."""
    refresh()
    directory = os.environ.get(DIRECTORY)
    if directory is None:
        return generate_latest(registry)
    _forget_dead_workers(Path(directory))
    merged = CollectorRegistry()
    multiprocess.MultiProcessCollector(merged, path=directory)  # type: ignore[no-untyped-call]
    return generate_latest(merged)


def _forget_dead_workers(directory: Path) -> None:
    """Gauges of processes that are gone must not count; what they counted stays."""
    for path in directory.glob(f"gauge_{LIVE}_*.db"):
        pid = int(path.stem.rpartition("_")[2])
        if not Path(f"/proc/{pid}").exists() and Path("/proc/self").exists():
            with suppress(FileNotFoundError):
                path.unlink()


def is_authorised(header: str, token: str) -> bool:
    scheme, _, given = header.partition(" ")
    return scheme.lower() == "bearer" and compare_digest(given.strip().encode(), token.encode())


async def application(scope: dict[str, Any], _receive: object, send: Send) -> None:
    """``GET /metrics`` for whoever has METRICS_TOKEN; without that setting there is no such path."""
    headers = {"content-type": "text/plain; charset=utf-8", "cache-control": "no-store"}
    body = b""
    if settings.METRICS_TOKEN is None:
        status = 404
    elif scope["method"] not in ("GET", "HEAD"):
        status, headers["allow"] = 405, "GET, HEAD"
    elif not _is_authorised(scope, settings.METRICS_TOKEN):
        status, headers["www-authenticate"] = 401, "Bearer"
    else:
        status, headers["content-type"], body = 200, CONTENT_TYPE_LATEST, exposition()
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    encoded.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def _is_authorised(scope: dict[str, Any], token: str) -> bool:
    given = [value for name, value in scope["headers"] if name == b"authorization"]
    scheme, _, secret = (given[0] if len(given) == 1 else b"").partition(b" ")
    return scheme.lower() == b"bearer" and compare_digest(secret.strip(), token.encode())
