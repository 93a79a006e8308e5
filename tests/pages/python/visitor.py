"""What the drivers share: a mailbox, and somebody who says yes at GitHub."""

import re
import sys
from collections.abc import Callable
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

SERVICE = sys.argv[1]


def mailed_code(email: str) -> str:
    messages = httpx.get(f"{SERVICE}/dev/outbox").json()["messages"]
    text = next(m["text"] for m in reversed(messages) if m["to"] == email)
    found = re.search(r"\b\d{6}\b", text)
    assert found
    return found[0]


def another(code: str) -> str:
    return "000001" if code == "000000" else "000000"


def approve(url: str) -> dict[str, str]:
    """The query with which GitHub sends the browser back."""
    return dict(parse_qsl(urlsplit(httpx.get(url).headers["location"]).query))


def reason_of(act: Callable[..., object], *given: object) -> str:
    """Why Identra refuses the act: each page's client has its own class for it, with a reason."""
    with pytest.raises(Exception, match=r"\.$") as caught:
        act(*given)
    assert type(caught.value).__name__ == "Refused"
    reason: str = caught.value.reason
    return reason
