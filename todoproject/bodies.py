"""JSON bodies, read strictly (RFC 8259)."""

import json
from typing import Any, NoReturn

import orjson
from django.http import HttpRequest
from ninja.parser import Parser

from authn.problems import Invalid, MalformedJSON, UnsupportedMediaType


class JSONParser(Parser):
    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        """The body's object. Raises `UnsupportedMediaType` (415), `MalformedJSON` (400) or `Invalid` (422)."""
        if not _is_json(request):
            raise UnsupportedMediaType
        value = _parsed(request.body)
        if not isinstance(value, dict):
            error = {"loc": ["body"], "code": "object_type", "message": "must be a JSON object"}
            raise Invalid("The request body must be a JSON object.", errors=[error])
        return value


def _is_json(request: HttpRequest) -> bool:
    """No declared type is taken for JSON; a declared one has to be, in UTF-8."""
    kind = request.content_type or ""
    charset = (request.content_params or {}).get("charset", "utf-8").lower()
    known = kind in ("", "application/json") or (kind.startswith("application/") and kind.endswith("+json"))
    return known and charset in ("utf-8", "utf8")


def _parsed(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        pass
    # orjson refuses a lone surrogate, which is well-formed JSON with an invalid value: that is the schema's to say.
    try:
        return json.loads(body.decode(), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise MalformedJSON from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
