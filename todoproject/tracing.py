"""W3C Trace Context: the caller's `traceparent`, when it is valid (www.w3.org/TR/trace-context, section 3.2)."""

import re

_TRACEPARENT = re.compile(r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(-.*)?")


def trace_id(traceparent: str) -> str | None:
    """The trace that ``traceparent`` belongs to, None when it is malformed. Only version 00 has exactly four fields."""
    match = _TRACEPARENT.fullmatch(traceparent)
    if match is None or (match[1] == "00" and match[4]):
        return None
    return match[2]
