import sys
from typing import Any

from django.core.management.base import CommandParser

from authn.accounts import Erasure, NotConfirmed, erase, erasure
from authn.commands import OperatorCommand, add_json, add_reason, add_subject, as_json, operator


class Command(OperatorCommand):
    help = (
        "Delete everything an account has for good, its name and e-mail address too. Its bare subject stays, as erased."
    )
    example = "python manage.py account_erase user-123 --confirm user-123 --reason 'ticket 4711'"

    def add_arguments(self, parser: CommandParser) -> None:
        add_subject(parser)
        add_reason(parser)
        parser.add_argument("--confirm", metavar="SUB", help="the subject once more; asked for when it is absent")
        parser.add_argument("--dry-run", action="store_true", help="say what would be deleted, and delete nothing")
        add_json(parser)

    def handle(self, *args: Any, **options: Any) -> str:
        subject: str = options["subject"]
        planned = erasure(subject)
        if options["dry_run"]:
            return _told(planned, "would be deleted", options["json"])
        confirm = options["confirm"] if options["confirm"] is not None else self._ask(planned)
        return _told(erase(subject, operator(), options["reason"], confirm=confirm), "deleted", options["json"])

    def _ask(self, planned: Erasure) -> str:
        """Raises `NotConfirmed` when there is nobody to ask."""
        if not sys.stdin.isatty():
            raise NotConfirmed(f"Nothing was erased. Confirm with --confirm {planned.subject}")
        self.stderr.write(_told(planned, "will be deleted for good", False))
        self.stderr.write("Type the subject to confirm: ", ending="")
        self.stderr.flush()
        return sys.stdin.readline().rstrip("\n")


def _told(rows: Erasure, what: str, in_json: bool) -> str:
    if in_json:
        return as_json({"subject": rows.subject, "outcome": what, "rows": rows.rows})
    kinds = ", ".join(f"{model}: {count}" for model, count in rows.rows.items())
    return f"{rows.subject}: {rows.total} rows {what} ({kinds})."
