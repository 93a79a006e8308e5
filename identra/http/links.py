"""The page that a mailed link leads to where the application has none of its own.

It is the same for everybody and takes nothing in: the code is in the fragment, which stays in the
browser. So no GET of it, whoever sends it, can spend anything.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

from sanic.response import HTTPResponse

from identra.http.operation import Operation

if TYPE_CHECKING:
    from identra.app import App
    from identra.http.call import Call
    from identra.http.models import Empty


def operation(name: str) -> Operation:
    """The page of a provider."""
    return Operation(
        "GET",
        f"/{name}/link",
        show,
        "Show a person the code that her link brought",
        name,
        gives={200: "text/html"},
    )


async def show(app: App, _call: Call, _query: Empty) -> HTTPResponse:
    """Ask her to type the code where she asked for it."""
    application = app.settings.mail.application_name
    return HTTPResponse(
        page(application),
        headers={"Content-Security-Policy": _policy()},
        content_type="text/html; charset=utf-8",
    )


def page(application: str) -> str:
    """The page, as it names the operator's service."""
    style, script = _part("page.css"), _part("page.js")
    return _part("page.html").format(application=escape(application), style=style, script=script)


@cache
def _policy() -> str:
    """Nothing runs but the page's own script; it posts, loads and is framed nowhere."""
    script, style = (_digest(_part(name)) for name in ("page.js", "page.css"))
    return (
        f"default-src 'none'; script-src '{script}'; style-src '{style}'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _digest(text: str) -> str:
    """As Content Security Policy Level 3 names what may stand in a page (2.3.1)."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


@cache
def _part(name: str) -> str:
    return files("identra.http").joinpath("link", name).read_text(encoding="utf-8")
