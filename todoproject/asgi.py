"""The ASGI application: /api on the event loop, everything else through Django's own handler."""

import os
from collections.abc import Awaitable, Callable
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "todoproject.settings")

from django.core.asgi import get_asgi_application

django_application = get_asgi_application()

from .handler import ApiHandler  # noqa: E402  (needs the app registry)
from .lifespan import lifespan  # noqa: E402
from .metrics import application as metrics_application  # noqa: E402

api_application = ApiHandler()

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Route one ASGI scope (asgi.readthedocs.io, "HTTP & WebSocket" and "Lifespan")."""
    if scope["type"] == "http" and (scope["path"] == "/api" or scope["path"].startswith("/api/")):
        await api_application(scope, receive, send)
    elif scope["type"] == "http" and scope["path"] == "/metrics":
        await metrics_application(scope, receive, send)
    elif scope["type"] == "lifespan":
        await lifespan(receive, send)
    else:
        await django_application(scope, receive, send)  # type: ignore[arg-type]
