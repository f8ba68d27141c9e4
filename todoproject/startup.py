"""What keeps the project from starting is told in one sentence, without a traceback."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from django.core.management import CommandError
from django.db import NotSupportedError, OperationalError

from todoproject.database import DatabaseUnusable, one_line, unusable
from todoproject.host import EmbeddedDatabaseError

# uvicorn takes a worker that ends with 3 for one that would fail again, and does not replace it.
FAILED_START = 3
INTERRUPTED = 130  # what a shell reports for a program that Ctrl-C ended


@contextmanager
def explained() -> Iterator[None]:
    """Turn the errors that the operator can put right into one sentence and a failing exit."""
    try:
        yield
    except (EmbeddedDatabaseError, DatabaseUnusable, NotSupportedError, CommandError) as error:
        fail(one_line(error))
    except OperationalError as error:
        fail(unusable(error))
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None


def fail(message: str) -> NoReturn:
    sys.stderr.write(f"{message}\n")
    raise SystemExit(FAILED_START)
