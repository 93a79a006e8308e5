"""Ways to the network. The system's certificates take longer to read than many a test takes."""

from __future__ import annotations

import ssl
from functools import cache

import httpx


@cache
def certificates() -> ssl.SSLContext:
    """The system's certificates, read once for a whole run."""
    return ssl.create_default_context()


def wire() -> httpx.AsyncHTTPTransport:
    """What a house makes for itself where it is given no other."""
    return httpx.AsyncHTTPTransport(verify=certificates(), trust_env=False)
