from argparse import ArgumentTypeError
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from authn.commands import OperatorCommand
from authn.token_minting import mint
from authn.token_settings import token_settings
from authn.tokens import TokenError
from authn.verifier import configured_secret


class Command(OperatorCommand):
    help = "Print a signed HS256 token for trying the API by hand."
    example = "python manage.py createtoken alice --ttl 600"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("subject", metavar="SUB", help="the user's id: the token's sub, 1 to 255 characters")
        parser.add_argument("--email", help="email claim")
        parser.add_argument("--name", help="name claim")
        parser.add_argument("--ttl", type=_seconds, default=3600, help="seconds it is valid for (default 3600)")
        parser.add_argument("--force", action="store_true", help="also outside DJANGO_DEBUG=true")

    def handle(self, *_args: Any, **options: Any) -> str:
        if not settings.DEBUG and not options["force"]:
            raise CommandError("This signs in as anybody, so outside DJANGO_DEBUG=true it needs --force.")
        configured = token_settings()
        secret = configured_secret(configured)
        if secret is None:
            raise CommandError(
                "createtoken signs with BETTER_AUTH_SECRET, which is not set: set it, or get a token from Better Auth."
            )
        try:
            return mint(
                secret,
                configured.policy,
                options["subject"],
                email=options["email"],
                name=options["name"],
                ttl=options["ttl"],
            )
        except TokenError as refusal:
            raise CommandError(f"The API would refuse this token. {refusal.detail}") from None


def _seconds(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a whole number of seconds above 0")
    return int(text)
