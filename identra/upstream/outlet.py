"""A way to one URL that an operator named, to post to it: its address is judged at each call.

What a name resolves to is looked at, and the very address that was found fit is connected to: a
name that leads elsewhere a moment later (DNS rebinding) leads nowhere.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Final, TypeAlias

import httpx

from identra.upstream.grounds import may_call

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from identra.upstream.grounds import Grounds

Resolve: TypeAlias = Callable[[str, int], Awaitable["Sequence[str]"]]
"""The addresses of a host, as the system tells them. Raises OSError."""

CONNECT: Final = 3.0
TOTAL: Final = 10.0
"""Seconds to connect, resolving included, and for a whole call."""
ANSWER: Final = 4096
"""Bytes of an answer that are read; its words are of no use."""
AT_ONCE: Final = 8
"""Connections to a target, of one process."""
KEPT: Final = 20.0
"""Seconds that an idle connection is kept."""

_HEADERS: Final = {
    "User-Agent": "Identra",
    "Accept": "*/*",
    "Accept-Encoding": "identity",
    "Content-Type": "application/json",
}
_MOST_WAIT: Final = 9
"""Digits of a Retry-After that is believed."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: a status, or 0 and why there is none. `retry_after` in seconds, or 0."""

    status: int
    retry_after: int = 0
    cause: str = ""


class Barred(Exception):
    """No address of the host is one that may be called."""


async def resolve(host: str, port: int) -> Sequence[str]:
    """Ask the system, which reads every spelling of an address as well."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


def plain_grounds(url: str, grounds: Grounds) -> Grounds:
    """What may be called by such a URL: without TLS this machine alone."""
    return grounds if httpx.URL(url).scheme == "https" else "loopback"


async def fit_address(url: str, grounds: Grounds, resolve: Resolve = resolve) -> str:
    """The address that a URL's host leads to now. Raises Barred and OSError."""
    target = httpx.URL(url)
    port = target.port or (443 if target.scheme == "https" else 80)
    for address in await resolve(target.host, port):
        if may_call(address, plain_grounds(url, grounds)):
            return address
    raise Barred(target.host)


class Outlet:
    """Posts to one URL. No redirects, no cookies, no proxies, bounds on all."""

    def __init__(
        self,
        url: str,
        grounds: Grounds,
        *,
        resolve: Resolve = resolve,
        verify: ssl.SSLContext | None = None,
    ) -> None:
        self._url = httpx.URL(url)
        self._grounds = grounds
        self._resolve = resolve
        self._lookup: asyncio.Future[Sequence[str]] | None = None
        # A pool of its own: connections are kept by address, and two names may share one.
        self._client = httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(
                verify=verify or ssl.create_default_context(),
                trust_env=False,
                limits=httpx.Limits(max_connections=AT_ONCE, keepalive_expiry=KEPT),
            ),
            trust_env=False,
            follow_redirects=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            timeout=httpx.Timeout(TOTAL, connect=CONNECT),
            headers=_HEADERS,
        )

    async def post(self, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Post it, once. Nothing is raised: what gave no answer is a Reply without a status."""
        try:
            async with asyncio.timeout(TOTAL):
                return await self._send(await self._aim(body, headers))
        except Barred:
            return Reply(0, cause="address refused")
        except (httpx.HTTPError, httpx.StreamError, OSError, ValueError) as fault:
            # The fault's own words may hold what was sent, so only its name is told.
            return Reply(0, cause=type(fault).__name__)

    async def close(self) -> None:
        """Give up every connection."""
        if self._lookup:
            self._lookup.cancel()
        await self._client.aclose()

    async def _aim(self, body: bytes, headers: Mapping[str, str]) -> httpx.Request:
        """A request to the address that was found fit, in the name of the host."""
        async with asyncio.timeout(CONNECT):
            address = await fit_address(str(self._url), self._grounds, self._look_up)
        request = self._client.build_request("POST", self._url, content=body, headers=headers)
        request.url = self._url.copy_with(host=address)
        request.extensions["sni_hostname"] = self._url.host
        return request

    async def _look_up(self, host: str, port: int) -> Sequence[str]:
        """One lookup at a time, whoever waits for it, and whoever no longer does.

        The system looks names up in a few threads, for everybody in this process: whoever answers
        for the name, and lets it wait, has one of them and no more.
        """
        if self._lookup is None or self._lookup.done():
            self._lookup = asyncio.ensure_future(self._resolve(host, port))
            self._lookup.add_done_callback(_heed)
        return await asyncio.shield(self._lookup)

    async def _send(self, request: httpx.Request) -> Reply:
        response = await self._client.send(request, stream=True)
        try:
            read = 0
            async for chunk in response.aiter_raw():
                read += len(chunk)
                if read > ANSWER:
                    break
        finally:
            await response.aclose()
        return Reply(response.status_code, _seconds(response.headers.get("retry-after", "")))


def _heed(lookup: asyncio.Future[Sequence[str]]) -> None:
    """A lookup may fail when nobody waits for it any more."""
    if not lookup.cancelled():
        lookup.exception()


def _seconds(said: str) -> int:
    """Retry-After in seconds (RFC 9110, 10.2.3); a date is not gone by."""
    fit = said.isascii() and said.isdecimal() and len(said) <= _MOST_WAIT
    return int(said) if fit else 0
