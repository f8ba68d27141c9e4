from typing import Any

from django.core.management.base import CommandError, CommandParser

from authn import statistics as people
from authn.commands import OperatorCommand, add_json, as_json
from tasks import statistics as tasks

DAYS_MAX = 400


class Command(OperatorCommand):
    help = "Accounts by status, and how many accounts and tasks came on each of the last days (UTC)."
    example = "python manage.py stats --days 7 --json"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=int, default=7, help=f"1 to {DAYS_MAX} (default 7)")
        add_json(parser)

    def handle(self, *args: Any, **options: Any) -> str:
        days: int = options["days"]
        if not 1 <= days <= DAYS_MAX:
            raise CommandError(f"--days must be between 1 and {DAYS_MAX}, not {days}.", returncode=2)
        columns = {
            "active": people.active_accounts(days),
            "new": people.new_accounts(days),
            "created": tasks.created_tasks(days),
            "completed": tasks.completed_tasks(days),
        }
        rows = [
            {"day": str(day), **{name: daily[day] for name, daily in columns.items()}}
            for day in people.days_until_today(days)
        ]
        statuses = people.accounts_by_status()
        if options["json"]:
            return as_json({"accounts": statuses, "days": rows})
        return "\n".join([_line(statuses), "", *_table(rows)])


def _line(statuses: dict[str, int]) -> str:
    return "Accounts: " + ", ".join(f"{number} {status}" for status, number in statuses.items())


def _table(rows: list[dict[str, Any]]) -> list[str]:
    head = f"{'day':12}{'active':>10}{'new':>10}{'created':>10}{'completed':>10}"
    return [head, *("{day:12}{active:>10}{new:>10}{created:>10}{completed:>10}".format(**row) for row in rows)]
