"""Routes of the reference: the OpenAPI document, and a page that reads it."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING

from sanic.response import HTTPResponse

from identra.errors import RateLimited
from identra.http.openapi import document
from identra.http.operation import CACHE_FOR_FIVE_MINUTES, Act, Operation

if TYPE_CHECKING:
    from identra.app import App
    from identra.http.call import Call
    from identra.http.models import Empty

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The pages' own Content-Security-Policy: their own script and style, and calls to this origin."""


async def openapi(_app: App, call: Call, _query: Empty) -> HTTPResponse:
    """The document that tells the truth about this door."""
    said = document(call.app.ctx.operations, call.app.ctx.url)
    return HTTPResponse(json.dumps(said), content_type="application/json")


def _asset(name: str, media_type: str) -> Act:
    async def serve(_app: App, _call: Call, _query: Empty) -> HTTPResponse:
        body = files("identra.http").joinpath("reference", name).read_bytes()
        policy = {"Content-Security-Policy": PAGE_POLICY}
        return HTTPResponse(body, headers=policy, content_type=f"{media_type}; charset=utf-8")

    return serve


def _operation(path: str, act: Act, media_type: str, summary: str) -> Operation:
    return Operation(
        "GET",
        path,
        act,
        summary,
        "docs",
        gives={200: media_type},
        fails=(RateLimited,),
        caching=CACHE_FOR_FIVE_MINUTES,
    )


def _page(path: str, name: str, media_type: str, summary: str) -> Operation:
    return _operation(path, _asset(name, media_type), media_type, summary)


OPERATIONS = (
    _operation("/openapi.json", openapi, "application/json", "Describe this interface"),
    _page("/docs", "index.html", "text/html", "Show the interactive reference"),
    _page("/docs/reference.js", "reference.js", "text/javascript", "The reference's script"),
    _page("/docs/reference.css", "reference.css", "text/css", "The reference's style"),
)
