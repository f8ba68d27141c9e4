"""What stops the project from starting is told in one sentence, without a traceback."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from django.db.utils import NotSupportedError, OperationalError

from todoproject.host import EmbeddedDatabaseError

# uvicorn takes a worker that ends with 3 for a failed start and does not try again for ever.
FAILED_START = 3


def sentence(error: BaseException) -> str:
    return " ".join(str(error).split())


@contextmanager
def explained() -> Iterator[None]:
    try:
        yield
    except EmbeddedDatabaseError as error:
        fail(sentence(error))
    except OperationalError as error:
        fail(f"The database cannot be used ({sentence(error)}): check DATABASE_URL.")
    except NotSupportedError as error:
        fail(sentence(error))


def fail(message: str) -> NoReturn:
    sys.stderr.write(message + "\n")
    raise SystemExit(FAILED_START)
