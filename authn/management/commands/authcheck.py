import asyncio
import json
import re
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser

from authn.commands import FAILED, UNUSABLE, OperatorCommand
from authn.diagnosis import Diagnosis, diagnose
from authn.jws import MAX_TOKEN_CHARS
from authn.token_settings import token_settings
from authn.verifier import get_verifier

PASTED = re.compile(r"^(authorization:)?\s*(bearer(\s|$))?", re.IGNORECASE)


class Command(OperatorCommand):
    help = "Explain whether the API accepts a token, and if not, what to change. Exit code: 0 yes, 1 no, 3 cannot tell."
    example = "python manage.py authcheck - < token.txt"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("token", help="the token, or - to read it from standard input")
        parser.add_argument("--json", action="store_true", help="print one JSON object for scripts")

    def handle(self, *_args: Any, **options: Any) -> None:
        given = options["token"]
        token = _bare(sys.stdin.read(4 * MAX_TOKEN_CHARS) if given == "-" else given)
        if not token:
            raise CommandError("There is no token to check.", returncode=2)
        verdict = asyncio.run(diagnose(token, token_settings(), get_verifier()))
        self.stdout.write(json.dumps(asdict(verdict), indent=2) if options["json"] else _in_words(verdict))
        if not verdict.accepted:
            sys.exit(UNUSABLE if verdict.accepted is None else FAILED)


def _bare(given: str) -> str:
    """The token of a pasted header line or value."""
    return PASTED.sub("", given.strip()).strip()


def _in_words(verdict: Diagnosis) -> str:
    lines = [verdict.summary, *(f"  {name}: {value}" for name, value in verdict.token.items()), ""]
    if verdict.accepted:
        return "\n".join([*lines, "Accepted."])
    outcome = "Cannot be checked" if verdict.accepted is None else "Refused"
    lines += [f"{outcome} ({verdict.code}): {verdict.problem}", f"What to do: {verdict.remedy}"]
    lines += [f"Once that is solved: {problem}" for problem in verdict.also]
    return "\n".join(lines)
