import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

from django.core.management.base import CommandParser, OutputWrapper

from authn.audit import Refused
from authn.commands import OperatorCommand, add_reason, add_subject, operator
from tasks.staff_export import export

PROGRESS_EVERY = 10_000


class Command(OperatorCommand):
    help = "Write everything held about an account as one JSON document, as GET /me/export gives it to its owner."
    example = "python manage.py account_export user-123 --output user-123.json --reason 'ticket 4711'"

    def add_arguments(self, parser: CommandParser) -> None:
        add_subject(parser)
        add_reason(parser)
        parser.add_argument("--output", metavar="FILE", type=Path, help="a new file (default: standard output)")

    def handle(self, *args: Any, **options: Any) -> str | None:
        subject, path = options["subject"], options["output"]
        if path is None:
            export(subject, operator(), options["reason"], cast("IO[bytes]", _Text(self.stdout)))
            return None
        with complete_or_absent(path) as target:
            written = export(subject, operator(), options["reason"], target, progress=self._progress)
        return f"{written} tasks of {subject} are in {path}."

    def _progress(self, written: int) -> None:
        if written % PROGRESS_EVERY == 0:
            self.stderr.write(f"{written} tasks ...")


class _Text:
    """Bytes to a text stream; every piece is whole characters."""

    def __init__(self, stream: OutputWrapper) -> None:
        self._stream = stream

    def write(self, piece: bytes) -> None:
        self._stream.write(piece.decode(), ending="")


@contextmanager
def complete_or_absent(path: Path) -> Iterator[IO[bytes]]:
    """A new file, readable by its owner only, that gets its name once it is written whole.

    Raises `Refused` when the file is there already, or cannot be written.
    """
    if path.exists():
        raise Refused(f"{path} exists already. Name another file, or remove it.")
    partial = path.with_name(f"{path.name}.partial")
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as target:
            yield target
        partial.rename(path)
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror or error}. Nothing was kept.") from None
    finally:
        partial.unlink(missing_ok=True)
