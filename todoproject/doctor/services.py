"""What is around the database: the settings, the key set, Redis, and the jobs that somebody has to run."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx
import redis
from django.conf import settings
from django.core import checks
from django.utils import timezone

from authn.jwks_fetch import FetchFailed, JwksFetcher
from authn.token_settings import token_settings
from tasks.purge import purgeable_tasks

from .database import judged_skew
from .findings import Finding, error, ok, warning

SECONDS = 5.0
PURGE_GRACE = timedelta(days=2)


def environment() -> Iterator[Finding]:
    found = checks.run_checks(include_deployment_checks=not settings.DEBUG)
    for message in found:
        kind = error if message.is_serious() else warning
        yield kind("settings", f"{message.id}: {message.msg}", message.hint or "See the documentation of this check.")
    if settings.DEBUG:
        yield warning("settings", "DJANGO_DEBUG is true: this is for development.", "Set DJANGO_DEBUG=false.")
    elif not found:
        yield ok("settings", "complete, and fit for production")


def key_set() -> Iterator[Finding]:
    """The published keys, fetched now as the API fetches them, and the clock of whoever publishes them."""
    url = token_settings().jwks_url
    if url is None:
        yield ok("key set", "none configured: tokens are verified with BETTER_AUTH_SECRET")
        return
    try:
        answer = asyncio.run(JwksFetcher(url)())
    except FetchFailed as reason:
        fix = "Start the Better Auth server, or correct BETTER_AUTH_URL or BETTER_AUTH_JWKS_URL."
        yield error("key set", f"{url}: {reason}.", fix)
        return
    for ignored in answer.ignored:
        yield warning("key set", ignored, "Let Better Auth publish keys of a supported kind only.")
    if not answer.keys:
        yield error("key set", f"{url} publishes no usable key.", "Sign in once: Better Auth makes its key then.")
        return
    yield ok("key set", f"{len(answer.keys)} usable at {url}")
    yield from _clock_of(url)


def _clock_of(url: str) -> Iterator[Finding]:
    try:
        told = httpx.get(url, timeout=SECONDS).headers.get("Date")
        theirs = parsedate_to_datetime(told) if told else None
    except (httpx.HTTPError, ValueError):
        return
    if theirs is not None:
        # The header is cut to whole seconds.
        skew = (theirs + timedelta(seconds=0.5) - datetime.now(UTC)).total_seconds()
        yield judged_skew("clock of Better Auth", skew)


def limits() -> Iterator[Finding]:
    if settings.REDIS_URL is None:
        if settings.WORKERS > 1:
            fix = "Set REDIS_URL to hold them over all processes together."
            yield warning("limits", f"Each of {settings.WORKERS} processes counts for itself.", fix)
        else:
            yield ok("limits", "counted in the process")
        return
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=SECONDS, socket_connect_timeout=SECONDS) as client:
            client.ping()
    except (redis.RedisError, OSError) as reason:
        yield error("limits", f"Redis does not answer ({type(reason).__name__}).", "Start it, or correct REDIS_URL.")
    else:
        yield ok("limits", "counted in Redis, which answers")


def purge() -> Iterator[Finding]:
    overdue = timezone.now() - timedelta(days=settings.TRASH_RETENTION_DAYS) - PURGE_GRACE
    if purgeable_tasks(overdue).exists():
        fix = "Run python manage.py purge every day."
        yield warning("purge", f"Tasks are in the trash for longer than {settings.TRASH_RETENTION_DAYS} days.", fix)
    else:
        yield ok("purge", "nothing in the trash is overdue")
