from typing import Any

from django.core.management.base import CommandParser
from django.db.models import QuerySet

from authn.accounts import find
from authn.audit import record
from authn.commands import OperatorCommand, add_json, add_subject, as_json, operator
from authn.models import Account
from authn.staff.search import find_people
from tasks.staff import counts

FIELDS = ("id", "status", "email", "name", "created_at", "last_seen_at")
LIMIT = 50


class Command(OperatorCommand):
    help = "List accounts, newest first, or show one with the numbers of its tasks."
    example = "python manage.py accounts list --search anna --json; python manage.py accounts show user-123"

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_subparsers(dest="what", required=True)
        several = what.add_parser("list", help="accounts, newest first")
        several.add_argument("--search", metavar="TEXT", help="beginning of subject, e-mail address or name")
        several.add_argument("--status", choices=Account.Status.values, help="only accounts in this status")
        several.add_argument("--limit", type=int, default=LIMIT, help=f"at most this many (default {LIMIT})")
        add_json(several)
        one = what.add_parser("show", help="one account")
        add_subject(one)
        add_json(one)

    def handle(self, *args: Any, **options: Any) -> str:
        return _show(options) if options["what"] == "show" else _list(options)


def _show(options: dict[str, Any]) -> str:
    account = find(options["subject"])
    record(operator(), "account.open", account=account.pk)
    found = counts([account.pk]).get(account.pk, {"open": 0, "done": 0, "trashed": 0})
    tasks = {"open": found["open"], "completed": found["done"], "trashed": found["trashed"]}
    shown = {name: getattr(account, name) for name in FIELDS} | {"revision": account.revision, "tasks": tasks}
    if options["json"]:
        return as_json(shown)
    shown["tasks"] = ", ".join(f"{number} {state}" for state, number in tasks.items())
    return "\n".join(f"{name + ':':14}{'-' if value is None else value}" for name, value in shown.items())


def _list(options: dict[str, Any]) -> str:
    found: QuerySet[Account] = Account.objects.order_by("-created_at", "-pk")
    if options["search"]:
        found = found.filter(pk__in=find_people(options["search"]).subjects)
    if options["status"]:
        found = found.filter(status=options["status"])
    rows = list(found.values(*FIELDS)[: max(0, options["limit"])])
    record(operator(), "account.list", shown=[row["id"] for row in rows])
    if options["json"]:
        return as_json(rows)
    if not rows:
        return "No account matches."
    return "\n".join(
        "\t".join("-" if row[name] is None else str(row[name]) for name in FIELDS)
        for row in [dict(zip(FIELDS, FIELDS, strict=True)), *rows]
    )
