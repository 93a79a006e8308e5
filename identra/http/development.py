"""Routes that exist under `identra serve --dev` alone."""

from __future__ import annotations

import json
import shlex
from html import escape
from typing import TYPE_CHECKING

from sanic.response import HTTPResponse

from identra.http.models import Empty, OutboxMessage, OutboxView, View
from identra.http.operation import Operation

if TYPE_CHECKING:
    from identra.app import App
    from identra.http.call import Call


class CallbackArguments(View):
    """What a provider's redirect brings."""

    code: str = ""
    state: str = ""
    iss: str = ""
    error: str = ""


async def outbox(app: App, _call: Call, _query: Empty) -> OutboxView:
    """The mails that development kept."""
    kept = app.outbox.messages if app.outbox is not None else ()
    return OutboxView(
        messages=[OutboxMessage(to=m.to, subject=m.subject, text=m.text, html=m.html) for m in kept]
    )


async def callback(_app: App, call: Call, query: CallbackArguments) -> HTTPResponse:
    """A page that shows what the provider sent back, and what to do with it."""
    return HTTPResponse(page(f"http://{call.host}", query), content_type="text/html; charset=utf-8")


def page(base_url: str, query: CallbackArguments) -> str:
    """The callback page. Every value came with the URL, from anybody: all are escaped."""
    body = {"code": query.code, "state": query.state} | ({"iss": query.iss} if query.iss else {})
    rows = {**body, **({"error": query.error} if query.error else {})}
    shown = "".join(f"<dt>{k}<dd><code>{escape(v)}</code>" for k, v in rows.items())
    return _PAGE.format(rows=shown, curl=escape(_curl(base_url, body)))


def _curl(base_url: str, body: dict[str, str]) -> str:
    said = shlex.quote(json.dumps(body))
    url = shlex.quote(f"{base_url}/oauth/login")
    return f"curl -H 'Content-Type: application/json' -d {said} {url}"


_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Identra: signed in at the provider</title>
<h1>The provider sent you back</h1>
<dl>{rows}</dl>
<p>Exchange them for tokens, once, within ten minutes:</p>
<pre>{curl}</pre>
</html>
"""

OPERATIONS = (
    Operation(
        "GET",
        "/dev/outbox",
        outbox,
        "Read the mails that development kept",
        "development",
        gives={200: OutboxView},
    ),
    Operation(
        "GET",
        "/oauth/callback",
        callback,
        "Show what the provider sent back",
        "development",
        takes=CallbackArguments,
        gives={200: "text/html"},
    ),
)
