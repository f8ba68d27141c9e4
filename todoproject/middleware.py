"""The short list of middleware of the API path, all of it native to the event loop."""

from collections.abc import Awaitable, Callable

from corsheaders.middleware import CorsMiddleware
from django.http.response import HttpResponseBase

from .draining import is_draining
from .requests import ApiRequest

View = Callable[[ApiRequest], Awaitable[HttpResponseBase]]


def with_middleware(view: View) -> View:
    """``view`` inside the list, outermost last."""
    return response_headers(cors(view))


def cors(view: View) -> View:
    """django-cors-headers, for requests that come from a page: without an Origin there is nothing to decide."""
    from_page: View = CorsMiddleware(view)  # type: ignore[arg-type, assignment]

    async def respond(request: ApiRequest) -> HttpResponseBase:
        if "HTTP_ORIGIN" in request.META:
            return await from_page(request)
        response = await view(request)
        response.headers["Vary"] = "origin"
        return response

    return respond


def response_headers(view: View) -> View:
    """Headers that every answer carries: request id, caching, no sniffing, length."""

    async def respond(request: ApiRequest) -> HttpResponseBase:
        response = await view(request)
        headers = response.headers
        headers["X-Request-ID"] = request.request_id
        headers["X-Content-Type-Options"] = "nosniff"
        if is_draining():
            headers["Connection"] = "close"
        if request.standing is not None:
            headers["RateLimit-Policy"], headers["RateLimit"] = request.standing
        if request.trace_id is not None:
            headers["traceparent"] = request.META["HTTP_TRACEPARENT"]
        headers.setdefault("Cache-Control", "private, no-cache" if "ETag" in headers else "no-store")
        if response.status_code in (204, 304):
            del headers["Content-Type"]
        elif not response.streaming:
            headers["Content-Length"] = str(len(response.content))  # type: ignore[attr-defined]
        return response

    return respond
