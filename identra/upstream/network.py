"""The only way a provider reaches the network: its declared hosts, no redirects, bounds on all."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from base64 import b64encode
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.cookiejar import CookieJar, DefaultCookiePolicy
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote_plus

import httpx

from identra.errors import IdentraError, OperatorError
from identra.meter import UNMETERED
from identra.tracer import UNTRACED
from identra.trail import step
from identra.upstream.answer import Answer, judge, read_form, read_json, read_text, unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from contextlib import AbstractContextManager

    from identra.meter import Meter
    from identra.tracer import Tracer


_FORM: Final = "application/x-www-form-urlencoded"
_HEADERS: Final = {
    "User-Agent": "Identra",
    "Accept": "application/json",
    # A compressed answer could grow past any bound while it is unpacked.
    "Accept-Encoding": "identity",
}


@dataclass(frozen=True, slots=True)
class Bounds:
    """Seconds to connect and for a whole call; bytes of an answer's body."""

    connect: float = 3.0
    total: float = 10.0
    body: int = 1024 * 1024


class Network:
    """One pool of connections behind the upstreams of all providers."""

    def __init__(self, client: httpx.AsyncClient, bounds: Bounds) -> None:
        self._client = client
        self._bounds = bounds

    def upstream(
        self,
        hosts: Collection[str],
        provider: str = "",
        meter: Meter = UNMETERED,
        tracer: Tracer = UNTRACED,
    ) -> HttpUpstream:
        """A way to these hosts (`name` or `name:port`) and no others. Raises OperatorError."""
        tell = partial(meter.provider_called, provider)
        trace = partial(tracer.asking, "provider", provider)
        return HttpUpstream(self._client, self._bounds, hosts, tell, trace)

    async def close(self) -> None:
        """Give up every connection."""
        await self._client.aclose()


def open_network(
    transport: httpx.AsyncBaseTransport | None = None, *, bounds: Bounds | None = None
) -> Network:
    """Open the pool; a test hands in its own transport.

    Certificates are verified by the system's store. Cookies are never kept, and proxies of the
    environment never used.
    """
    limits = bounds or Bounds()
    client = httpx.AsyncClient(
        transport=transport or _encrypted(),
        trust_env=False,
        follow_redirects=False,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        timeout=httpx.Timeout(limits.total, connect=limits.connect),
        headers=_HEADERS,
    )
    return Network(client, limits)


def _encrypted() -> httpx.AsyncHTTPTransport:
    return httpx.AsyncHTTPTransport(verify=ssl.create_default_context(), trust_env=False)


class HttpUpstream:
    """What a provider is handed. HTTPS only; plain HTTP to loopback.

    Raises ProviderRefused where the place answered with a 4xx, and ProviderUnavailable for
    everything else that is no usable answer: an undeclared host, silence, a redirect, a 5xx, a
    body too large, not JSON, or with a name twice.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        bounds: Bounds,
        hosts: Collection[str],
        tell: Callable[[str, float], None],
        trace: Callable[[str], AbstractContextManager[Mapping[str, str]]],
    ) -> None:
        self._client = client
        self._bounds = bounds
        self._tell = tell
        self._trace = trace
        self._places = frozenset(_place(host) for host in hosts)

    async def get_json(
        self, url: str, *, bearer: str | None = None, params: dict[str, str] | None = None
    ) -> Any:
        """GET and parse JSON, of whatever type the place sent."""
        with self._told(), self._trace("GET") as passed:
            headers = {**passed, **_authorization(bearer, None)}
            answer = await self._ask("GET", url, headers, params=params)
            return read_json(answer)

    async def get_text(self, url: str, *, headers: dict[str, str] | None = None) -> str:
        """GET and read text, of whatever type the place sent."""
        with self._told(), self._trace("GET") as passed:
            plain = {"Accept": "text/plain", **(headers or {}), **passed}
            return read_text(await self._ask("GET", url, plain))

    async def post_form(
        self,
        url: str,
        data: dict[str, str],
        *,
        bearer: str | None = None,
        basic: tuple[str, str] | None = None,
    ) -> dict[str, Any]:
        """POST a form; read the object that comes back as JSON or as a form itself."""
        with self._told(), self._trace("POST") as passed:
            headers = {**passed, **_authorization(bearer, basic)}
            answer = await self._ask("POST", url, headers, data=data)
            read = read_form(answer) if answer.media == _FORM else read_json(answer)
            if not read or not isinstance(read, dict):
                raise unavailable(answer.host, "the answer is no object with fields")
            return read

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Tell how a call went; one that its caller gave up is "cancelled"."""
        began, outcome = perf_counter(), "cancelled"
        try:
            yield
            outcome = "answered"
        except IdentraError as failure:
            outcome = failure.reason
            raise
        finally:
            self._tell(outcome, perf_counter() - began)

    async def _ask(
        self,
        method: str,
        url: str,
        headers: dict[str, str],
        *,
        params: dict[str, str] | None = None,
        data: dict[str, str] | None = None,
    ) -> Answer:
        target = self._target(url, params or {})
        try:
            async with asyncio.timeout(self._bounds.total):
                request = self._client.build_request(method, target, data=data, headers=headers)
                answer = await self._exchange(request)
        except (httpx.HTTPError, httpx.StreamError, OSError, ValueError) as fault:
            # The fault's own words may hold what was sent, so only its name is told.
            raise unavailable(target.host, type(fault).__name__) from fault
        step("provider.answered", host=answer.host, status=str(answer.status))
        judge(answer)
        return answer

    async def _exchange(self, request: httpx.Request) -> Answer:
        response = await self._client.send(request, stream=True)
        try:
            if response.headers.get("content-encoding", "identity").lower() != "identity":
                raise unavailable(request.url.host, "the answer is compressed")
            body = await self._read_body(response)
        finally:
            await response.aclose()
        media = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        return Answer(request.url.host, response.status_code, media, body)

    async def _read_body(self, response: httpx.Response) -> bytes:
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > self._bounds.body:
                raise unavailable(response.url.host, "the answer is too large")
        return bytes(body)

    def _target(self, url: str, params: Mapping[str, str]) -> httpx.URL:
        try:
            target = httpx.URL(url)
            place = (target.host, target.port)
        except (httpx.InvalidURL, ValueError) as fault:
            raise unavailable("upstream", "not a URL") from fault
        if target.userinfo or place not in self._places:
            raise unavailable(target.host, "not a declared host")
        if target.scheme != "https" and not (target.scheme == "http" and _is_near(target.host)):
            raise unavailable(target.host, "not https")
        return target.copy_merge_params(params) if params else target


def _authorization(bearer: str | None, basic: tuple[str, str] | None) -> dict[str, str]:
    if basic is not None:
        told = ":".join(quote_plus(part) for part in basic)
        return {"Authorization": f"Basic {b64encode(told.encode()).decode()}"}
    return {} if bearer is None else {"Authorization": f"Bearer {bearer}"}


def _place(host: str) -> tuple[str, int | None]:
    """A declared host as httpx spells it; without a port, the scheme's own is meant."""
    try:
        url = httpx.URL(f"https://{host}")
        place = (url.host, url.port)
    except (httpx.InvalidURL, ValueError) as fault:
        raise OperatorError(f"{host!r} is no host that a provider can be reached at") from fault
    return place


def demand_hosts(hosts: object) -> None:
    """OperatorError unless these are hosts that an upstream can be had for."""
    if not isinstance(hosts, tuple) or not all(isinstance(host, str) and host for host in hosts):
        raise OperatorError("hosts is a tuple of names")
    for host in hosts:
        _place(host)


def _is_near(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
