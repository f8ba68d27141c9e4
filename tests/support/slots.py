"""A name for this process's test database that no other process on this machine uses meanwhile."""

import fcntl
import tempfile
from itertools import count
from pathlib import Path
from typing import IO

_held: list[IO[bytes]] = []  # the lock lasts as long as the process, however it ends


def free_slot() -> int:
    """The lowest number that no living process holds, so that what a killed run left behind is used again."""
    for number in count():
        lock = (Path(tempfile.gettempdir()) / f"todo-test-{number}.lock").open("wb")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            continue
        _held.append(lock)
        return number
    raise AssertionError
