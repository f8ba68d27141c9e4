"""uvicorn's HTTP protocol with bounds for clients that send too much, or send or read too slowly."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADER_BYTES_MAX = 64 * 1024
REQUEST_BYTES_MAX = 8 * 1024 * 1024  # a body of 1 MiB in the smallest of chunks, and trailers
HEADER_SECONDS = 15.0  # from the first byte of a request, or from the connection, to the end of its headers
STALLED_SECONDS = 60.0  # that a client may take no byte of its answer

TOO_LARGE = (431, "Request Header Fields Too Large", "The request's headers are over 64 KiB.")
TOO_SLOW = (408, "Request Timeout", f"The request's headers did not arrive within {HEADER_SECONDS:.0f} seconds.")


class BoundedProtocol(HttpToolsProtocol):
    """Ordinary requests, whose headers arrive in one piece, pay for a few comparisons."""

    _in_headers = False
    _request_bytes = 0
    _header_timer: asyncio.TimerHandle | None = None
    _stall_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._arm_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm_headers()
        self._disarm_stall()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._request_bytes += len(data)
        if self._in_headers:
            if self._request_bytes > HEADER_BYTES_MAX:
                self._refuse(*TOO_LARGE)
            elif self._header_timer is None:
                self._arm_headers()
        elif self._header_timer is not None:
            self._disarm_headers()
        if self._request_bytes > REQUEST_BYTES_MAX:
            self.drop()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_headers, self._request_bytes = True, 0

    def on_headers_complete(self) -> None:
        self._in_headers = False
        super().on_headers_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._disarm_stall()
        self._stall_timer = self.loop.call_later(STALLED_SECONDS, self.drop)

    def resume_writing(self) -> None:
        self._disarm_stall()
        super().resume_writing()

    def drop(self) -> None:
        """Close at once, whatever is still to be sent; the application learns that nobody reads."""
        if self.cycle is not None:
            self.cycle.disconnected = True
        self.transport.abort()

    def _arm_headers(self) -> None:
        self._header_timer = self.loop.call_later(HEADER_SECONDS, self._refuse, *TOO_SLOW)

    def _disarm_headers(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _disarm_stall(self) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None

    def _refuse(self, status: int, title: str, detail: str) -> None:
        """Answer before there is a request to answer, and close."""
        self._disarm_headers()
        if self.transport.is_closing():
            return
        head = (
            f"HTTP/1.1 {status} {title}\r\nContent-Type: text/plain; charset=utf-8\r\n"
            f"Content-Length: {len(detail)}\r\nConnection: close\r\n\r\n{detail}"
        )
        self.transport.write(head.encode("ascii"))
        self.transport.close()
