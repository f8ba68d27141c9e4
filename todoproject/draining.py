"""From SIGTERM to the end: the process says that it is leaving while it still serves, so that nobody is cut off.

uvicorn closes its listening socket and every idle connection at once. Before it may, load balancers have to see that
`/api/health/ready` answers 503, clients that keep connections open have to be told to close them, and requests in
flight have to finish. Ctrl-C ends the process without all that.
"""

import asyncio
import logging
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

import uvicorn
from django.conf import settings

logger = logging.getLogger("todoproject.draining")

GRACE_SECONDS = 10.0  # for requests in flight, from the signal on
LAST_CALL_SECONDS = 0.25  # for what clients have sent, but the server has not read yet
# A platform signals every process there is, and the parent of workers passes its own signal on to them: that is one
# request to stop, which arrives twice.
ECHO_SECONDS = 1.0

Stop = Callable[[int, FrameType | None], Any]


class _State:
    draining = False
    task: asyncio.Task[None] | None = None


def is_draining() -> bool:
    return _State.draining


def drain_on_sigterm() -> None:
    """Put the drain before what SIGTERM does now. Called from the event loop once the server has set up its signals."""
    stop = signal.getsignal(signal.SIGTERM)
    if threading.current_thread() is not threading.main_thread() or not callable(stop):
        return
    loop = asyncio.get_running_loop()

    def begin(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        loop.call_soon_threadsafe(_begin, stop)

    signal.signal(signal.SIGTERM, begin)


def _begin(stop: Stop) -> None:
    loop = asyncio.get_running_loop()
    _State.draining = True
    _State.task = loop.create_task(_drain(stop))
    loop.call_later(ECHO_SECONDS, signal.signal, signal.SIGTERM, stop)  # a second request does not wait


async def _drain(stop: Stop) -> None:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    server = getattr(stop, "__self__", None)
    uvicorn_server = server if isinstance(server, uvicorn.Server) else None
    logger.info("SIGTERM: not ready any more, finishing what is in flight")
    try:
        pending = set(uvicorn_server.server_state.tasks) if uvicorn_server else set()
        await asyncio.sleep(settings.SHUTDOWN_DELAY)
        if pending:
            await asyncio.wait(pending, timeout=max(begun + GRACE_SECONDS - loop.time(), 0))
        if uvicorn_server is not None:
            for listener in uvicorn_server.servers:
                listener.close()
            await asyncio.sleep(LAST_CALL_SECONDS)
            left = begun + GRACE_SECONDS - loop.time()
            uvicorn_server.config.timeout_graceful_shutdown = max(round(left), 1)
    finally:
        stop(signal.SIGTERM, None)
