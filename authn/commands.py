"""What all commands for operators have in common: one sentence and a stable exit code for whatever goes wrong."""

import getpass
import json
import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import InterfaceError, OperationalError

from .audit import Actor, AuditEntry, Refused

FAILED, UNUSABLE, INTERRUPTED, PIPE_CLOSED = 1, 3, 130, 141
GONE = "The database cannot be reached, or went away meanwhile. Nothing is half done; run the command again. ({})"


class OperatorCommand(BaseCommand):
    """Subclasses return text from `handle` and raise `Refused`; ``example`` is the end of the help."""

    example = ""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return super().create_parser(prog_name, subcommand, epilog=f"Example: {self.example}", **kwargs)

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Exit codes: docs/operations.md."""
        try:
            output = super().execute(*args, **options)
            self.stdout.flush()
        except Refused as refusal:
            raise CommandError(str(refusal), returncode=FAILED) from None
        except (OperationalError, InterfaceError) as error:
            first = (str(error).strip().splitlines() or ["no reason given"])[0]
            raise CommandError(GONE.format(first), returncode=UNUSABLE) from None
        except BrokenPipeError:
            _forget_stdout()
            raise SystemExit(PIPE_CLOSED) from None
        except OSError as error:
            _forget_stdout()
            raise CommandError(f"The output cannot be written: {error.strerror or error}.", returncode=FAILED) from None
        except KeyboardInterrupt:
            self.stderr.write("Interrupted. Nothing is half done.")
            raise SystemExit(INTERRUPTED) from None
        return output


def _forget_stdout() -> None:
    """Else the interpreter tries once more to write what is left, and complains again."""
    if sys.stdout is sys.__stdout__:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def operator() -> Actor:
    """Who runs the command, as far as the operating system knows."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = f"uid {os.getuid()}"
    return Actor(name, AuditEntry.Source.COMMAND)


def add_subject(parser: ArgumentParser) -> None:
    parser.add_argument("subject", metavar="SUB", help="the account's subject, exactly as it is")


def add_reason(parser: ArgumentParser) -> None:
    parser.add_argument("--reason", default="", help="goes into the audit log: a ticket number or a sentence")


def add_json(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON for scripts")


def as_json(value: object) -> str:
    return json.dumps(value, indent=2, default=str, ensure_ascii=False)
