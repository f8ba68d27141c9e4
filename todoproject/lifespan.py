"""What starts and stops with the server process."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from django.conf import settings

from authn import verifier
from authn.pool import close_pool, open_pool
from todoproject import limits, metrics
from todoproject.database import DatabaseUnusable, one_line, wait_until_usable
from todoproject.draining import drain_on_sigterm
from todoproject.host import EmbeddedDatabaseError

logger = logging.getLogger("todoproject.lifespan")

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


async def lifespan(receive: Receive, send: Send) -> None:
    """The ASGI lifespan protocol: all is ready before the first request, and drained after the last."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            try:
                await _start()
            except (DatabaseUnusable, EmbeddedDatabaseError) as error:
                await send({"type": "lifespan.startup.failed", "message": one_line(error)})
                return
            except Exception as error:
                logger.exception("start-up failed")
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                return
            await send({"type": "lifespan.startup.complete"})
        else:
            await _stop()
            await send({"type": "lifespan.shutdown.complete"})
            return


async def _start() -> None:
    await asyncio.to_thread(wait_until_usable, settings.DATABASE_WAIT)
    await open_pool()
    await verifier.start()
    await limits.start()
    metrics.start()
    drain_on_sigterm()


async def _stop() -> None:
    metrics.stop()
    await limits.close()
    await verifier.stop()
    await close_pool(wait_seconds=10)
