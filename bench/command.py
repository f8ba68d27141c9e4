"""How every command of the benchmark ends: in one sentence, and with nothing left running."""

import signal
import sys
from collections.abc import Callable
from types import FrameType

from bench.places import BenchError
from todoproject.host import EmbeddedDatabaseError


def run(main: Callable[[], None]) -> None:
    """An exit through Python, also on SIGTERM, so that servers and the database are stopped on the way out."""

    def end(number: int, frame: FrameType | None) -> None:
        del frame
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, end)
    try:
        main()
    except (BenchError, EmbeddedDatabaseError) as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        raise SystemExit(128 + signal.SIGINT) from None
