"""Routes that exist under `identra serve --dev` alone."""

from __future__ import annotations

import json
import shlex
from html import escape
from typing import TYPE_CHECKING

from sanic.response import HTTPResponse

from identra.errors import RateLimited
from identra.http.models import Empty, OutboxMessage, OutboxView, View
from identra.http.operation import Operation

if TYPE_CHECKING:
    from identra.app import App
    from identra.http.call import Call


class CallbackArguments(View):
    """What a provider's redirect brings (RFC 6749, 4.1.2; RFC 9207)."""

    code: str = ""
    state: str = ""
    iss: str = ""
    error: str = ""
    error_description: str = ""


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
    said = query.model_dump()
    shown = "".join(f"<dt>{k}<dd><code>{escape(v)}</code>" for k, v in said.items() if v)
    if query.error:
        told = _REFUSED
    elif not (query.code and query.state):
        told = _EMPTY
    else:
        told = _BACK.format(curl=escape(_curl(base_url, query)))
    return _PAGE.format(rows=f"<dl>{shown}</dl>" if shown else "", told=told)


def _curl(base_url: str, query: CallbackArguments) -> str:
    body = {k: v for k in ("code", "state", "iss") if (v := getattr(query, k))}
    said, url = shlex.quote(json.dumps(body)), shlex.quote(f"{base_url}/oauth/login")
    return f"curl -H 'Content-Type: application/json' \\\n  -d {said} \\\n  {url}"


_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Identra: back from the provider</title>
<h1>Back from the provider</h1>
{rows}
{told}
</html>
"""
_BACK = """<p>If this is the state that <code>/oauth/url</code> gave you, exchange both for tokens,
once, within ten minutes:</p>
<pre>{curl}</pre>
<p>Was it asked for with a <code>code_challenge</code>? Then add its <code>code_verifier</code>
to the body: without it the answer is INVALID_STATE.</p>
"""
_REFUSED = """<p>The provider did not sign you in, so there is nothing to exchange. Begin again at
<code>/oauth/url</code>.</p>
"""
_EMPTY = """<p>Nothing came that could be exchanged. A provider sends people here with a code and a
state, when a sign-in was begun at <code>/oauth/url</code>.</p>
"""

OPERATIONS = (
    Operation(
        "GET",
        "/dev/outbox",
        outbox,
        "Read the mails that development kept",
        "development",
        gives={200: OutboxView},
        fails=(RateLimited,),
    ),
    Operation(
        "GET",
        "/oauth/callback",
        callback,
        "Show what the provider sent back",
        "development",
        takes=CallbackArguments,
        gives={200: "text/html"},
        fails=(RateLimited,),
    ),
)
