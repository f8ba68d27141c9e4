"""The contract and its page, with no asset from another host."""

from functools import cache

import orjson
from django.http import HttpRequest, HttpResponse
from django.templatetags.static import static
from ninja import Router

router = Router(auth=None)

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Todo API</title>
<link rel="icon" href="{icon}">
<link rel="stylesheet" href="{style}">
</head>
<body>
<div id="swagger-ui" data-url="/api/openapi.json"></div>
<script src="{bundle}"></script>
<script src="{start}"></script>
</body>
</html>
"""
POLICY = (
    "default-src 'none'; connect-src 'self'; img-src 'self' data:; script-src 'self'; style-src 'self' 'unsafe-inline'"
)


@router.get("/docs", include_in_schema=False)
async def docs(request: HttpRequest) -> HttpResponse:
    page = PAGE.format(
        icon=static("ninja/favicon.png"),
        style=static("ninja/swagger-ui.css"),
        bundle=static("ninja/swagger-ui-bundle.js"),
        start=static("api-docs.js"),
    )
    return HttpResponse(page, headers={"Content-Security-Policy": POLICY})


@router.get("/openapi.json", include_in_schema=False)
async def contract(request: HttpRequest) -> HttpResponse:
    return HttpResponse(_contract(), content_type="application/json")


@cache
def _contract() -> bytes:
    from .api import api

    return orjson.dumps(api.get_openapi_schema(), option=orjson.OPT_NON_STR_KEYS)
