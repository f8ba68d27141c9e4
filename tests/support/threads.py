"""Who starts a thread, or hands work to one."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from traceback import format_stack
from typing import Any
from unittest.mock import patch


@contextmanager
def watched() -> Iterator[list[str]]:
    """Stacks of everybody who starts a thread or submits work to a pool of threads during the block."""
    found: list[str] = []
    start, submit = threading.Thread.start, ThreadPoolExecutor.submit

    def watched_start(self: threading.Thread) -> None:
        found.append("".join(format_stack(limit=12)))
        start(self)

    def watched_submit(self: ThreadPoolExecutor, /, *args: Any, **kwargs: Any) -> Any:
        found.append("".join(format_stack(limit=12)))
        return submit(self, *args, **kwargs)

    with (
        patch.object(threading.Thread, "start", watched_start),
        patch.object(ThreadPoolExecutor, "submit", watched_submit),
    ):
        yield found
