"""Who is calling, once their token is verified."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caller:
    """The subject of a verified token (RFC 7519, section 4.1.2) and what it says of the person."""

    subject: str
    email: str | None = None
    name: str | None = None
