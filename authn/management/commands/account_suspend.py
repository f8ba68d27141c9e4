from typing import Any

from django.core.management.base import CommandParser

from authn.accounts import suspend
from authn.commands import OperatorCommand, add_reason, add_subject, operator


class Command(OperatorCommand):
    help = "Refuse every call of an account from now on, on every server. Nothing is deleted."
    example = "python manage.py account_suspend user-123 --reason 'ticket 4711'"

    def add_arguments(self, parser: CommandParser) -> None:
        add_subject(parser)
        add_reason(parser)

    def handle(self, *args: Any, **options: Any) -> str:
        suspend(options["subject"], operator(), options["reason"])
        return f"{options['subject']} is suspended: the API answers 403 from now on."
