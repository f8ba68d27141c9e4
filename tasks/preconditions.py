"""Conditional requests (RFC 9110, section 13) on entity tags that are revisions."""

import re

from django.conf import settings
from django.http import HttpRequest

from authn.problems import PreconditionRequired

_STRONG = re.compile(r'"(0|[1-9][0-9]{0,17})"')


def etag(revision: int | str) -> str:
    return f'"{revision}"'


def if_match(request: HttpRequest) -> list[int] | None:
    """The revisions that ``If-Match`` accepts, None for any. A weak, unquoted or malformed tag accepts none (13.1.1).

    Raises `PreconditionRequired` (428) when the header is missing and ``REQUIRE_IF_MATCH`` is set.
    """
    header = request.META.get("HTTP_IF_MATCH")
    if header is None:
        if settings.REQUIRE_IF_MATCH:
            raise PreconditionRequired
        return None
    tags = [tag.strip() for tag in header.split(",")]
    if tags == ["*"]:
        return None
    return [int(match[1]) for match in map(_STRONG.fullmatch, tags) if match]


def none_match(request: HttpRequest, current: str) -> bool:
    """Whether ``If-None-Match`` names the tag ``current``, by weak comparison (13.1.2): answer 304 then."""
    header = request.META.get("HTTP_IF_NONE_MATCH")
    if header is None:
        return False
    # None of our tags has a comma in it.
    tags = [tag.strip().removeprefix("W/") for tag in header.split(",")]
    return current in tags or tags == ["*"]
