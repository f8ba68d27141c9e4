from typing import Any

from django.core.management.base import CommandParser

from authn.accounts import reinstate
from authn.commands import OperatorCommand, add_reason, add_subject, operator


class Command(OperatorCommand):
    help = "Let a suspended or erased account call again. What was erased stays erased."
    example = "python manage.py account_reinstate user-123 --reason 'ticket 4711'"

    def add_arguments(self, parser: CommandParser) -> None:
        add_subject(parser)
        add_reason(parser)

    def handle(self, *args: Any, **options: Any) -> str:
        reinstate(options["subject"], operator(), options["reason"])
        return f"{options['subject']} is active again."
