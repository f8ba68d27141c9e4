"""Numbers of people, each from one bounded query; days are UTC."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import Count, DateTimeField, QuerySet
from django.db.models.functions import TruncDate

from .models import Account, Activity

Daily = dict[date, int]


def days_until_today(days: int) -> list[date]:
    """Today and the ``days`` - 1 before it, oldest first."""
    today = datetime.now(UTC).date()
    return [today - timedelta(days=ago) for ago in reversed(range(days))]


def per_day(rows: QuerySet[Any], field: str, days: int) -> Daily:
    """How many of ``rows`` have their ``field``, a date or a time, on each of the last ``days``."""
    wanted = days_until_today(days)
    is_time = isinstance(rows.model._meta.get_field(field), DateTimeField)
    first: date = datetime.combine(wanted[0], time(), UTC) if is_time else wanted[0]
    day = TruncDate(field, tzinfo=UTC) if is_time else field
    recent = rows.filter(**{f"{field}__gte": first}).order_by()
    found = dict(recent.values_list(day).annotate(rows=Count("*")))
    return {day: found.get(day, 0) for day in wanted}


def new_accounts(days: int) -> Daily:
    return per_day(Account.objects.all(), "created_at", days)


def active_accounts(days: int) -> Daily:
    """Accounts that called on each day; those erased since are not among them."""
    return per_day(Activity.objects.all(), "day", days)


def accounts_by_status() -> dict[str, int]:
    """Reads every account: for a command, not for a page."""
    found = dict(Account.objects.order_by().values_list("status").annotate(accounts=Count("*")))
    return {str(status): found.get(status, 0) for status in Account.Status.values}
