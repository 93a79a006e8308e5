"""What a provider can and can't do on the network, and what bad answers become."""

from __future__ import annotations

import asyncio
import gzip
import json
from contextlib import asynccontextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from authority import Authority

from identra.errors import OperatorError, ProviderRefused, ProviderUnavailable
from identra.upstream import Bounds, HttpUpstream, open_network

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

HERE = "https://api.acme.example"
HOSTS = ("api.acme.example", "acme.example:8443", "127.0.0.1:4000")
LARGEST = 1024 * 1024


class FarSide:
    """Answers as told and keeps what it was asked."""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response]) -> None:
        self._answer = answer
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return self._answer(request)


@asynccontextmanager
async def reaching(
    far: Callable[[httpx.Request], httpx.Response], *, hosts: tuple[str, ...] = HOSTS
) -> AsyncIterator[HttpUpstream]:
    network = open_network(httpx.MockTransport(far))
    try:
        yield network.upstream(hosts)
    finally:
        await network.close()


async def answered(response: httpx.Response, *, form: bool = False) -> Any:
    """What one answer becomes."""
    async with reaching(lambda _: response) as upstream:
        if form:
            return await upstream.post_form(f"{HERE}/token", {"code": "c"})
        return await upstream.get_json(f"{HERE}/user")


def fine(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"id": 1})


async def test_a_call_carries_the_token_the_parameters_and_our_name() -> None:
    far = FarSide(fine)
    async with reaching(far) as upstream:
        got = await upstream.get_json(f"{HERE}/user?v=2", bearer="t0ken", params={"q": "a b"})
    (asked,) = far.asked
    assert got == {"id": 1}
    assert asked.headers["authorization"] == "Bearer t0ken"
    assert asked.headers["user-agent"] == "Identra"
    assert asked.headers["accept"] == "application/json"
    assert asked.headers["accept-encoding"] == "identity"
    assert dict(asked.url.params) == {"v": "2", "q": "a b"}


async def test_a_form_leaves_as_a_form() -> None:
    far = FarSide(fine)
    async with reaching(far) as upstream:
        assert await upstream.post_form(f"{HERE}/token", {"code": "a&b=c"}) == {"id": 1}
    assert far.asked[0].headers["content-type"] == "application/x-www-form-urlencoded"
    assert far.asked[0].content == b"code=a%26b%3Dc"
    assert "authorization" not in far.asked[0].headers


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/user",
        "https://api.acme.example.evil.example/user",
        "https://sub.api.acme.example/user",
        "https://acme.example/user",
        "https://api.acme.example:8443/user",
        "https://api.acme.example:80/user",
        "https://api.acme.example./user",
        "https://user@api.acme.example/user",
        "https://api.acme.example@evil.example/user",
        "https://api.acme.example\\@evil.example/user",
        "https://169.254.169.254/latest",
        "https://[::1]/user",
        "https://127.0.0.1/user",
        "https://127.0.0.1:4001/user",
        "http://127.1:4000/user",
        "http://api.acme.example/user",
        "http://acme.example:8443/user",
        "ftp://api.acme.example/user",
        "file:///etc/passwd",
        "//api.acme.example/user",
        "/user",
        "",
        "https://",
        "https://api.acme.example:port/",
        "https://xn--\u0000.example/",
        "https://api.acme.example\r\nHost: evil.example/",
    ],
)
async def test_only_declared_hosts_are_reached_and_only_by_https(url: str) -> None:
    far = FarSide(fine)
    async with reaching(far) as upstream:
        with pytest.raises(ProviderUnavailable):
            await upstream.get_json(url)
        with pytest.raises(ProviderUnavailable):
            await upstream.post_form(url, {})
    assert far.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "https://api.acme.example/user",
        "https://API.acme.example:443/user",
        "https://acme.example:8443/user",
        "http://127.0.0.1:4000/user",
        "https://127.0.0.1:4000/user",
    ],
)
async def test_a_declared_host_is_reached(url: str) -> None:
    async with reaching(fine) as upstream:
        assert await upstream.get_json(url) == {"id": 1}


def test_a_host_that_is_none_is_the_operators_fault() -> None:
    with pytest.raises(OperatorError):
        open_network(httpx.MockTransport(fine)).upstream(("acme.example:port",))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed_even_to_a_declared_host(status: int) -> None:
    far = FarSide(lambda _: httpx.Response(status, headers={"Location": f"{HERE}/elsewhere"}))
    async with reaching(far) as upstream:
        with pytest.raises(ProviderUnavailable):
            await upstream.get_json(f"{HERE}/user", bearer="t0ken")
    assert len(far.asked) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422])
async def test_a_4xx_is_the_provider_saying_no(status: int) -> None:
    with pytest.raises(ProviderRefused) as refused:
        await answered(httpx.Response(status, json={"error": "invalid_grant"}))
    assert refused.value.detail == f"api.acme.example: {status} invalid_grant"


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 100, 304])
async def test_every_other_status_is_no_answer(status: int) -> None:
    with pytest.raises(ProviderUnavailable) as gone:
        await answered(httpx.Response(status, json={"id": 1}))
    assert gone.value.retry_after


@pytest.mark.parametrize(
    "body",
    [
        b'{"error": "secret token gho_123"}',
        b'{"error": ["invalid_grant"]}',
        b'{"error": 7}',
        b"[]",
        b"<html>no</html>",
        b"",
        b"\xff",
    ],
)
async def test_a_refusal_in_odd_words_keeps_them_to_itself(body: bytes) -> None:
    with pytest.raises(ProviderRefused) as refused:
        await answered(httpx.Response(400, content=body))
    assert refused.value.detail == "api.acme.example: 400"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<!doctype html><title>Unicorn</title>",
        b'{"id": 1, "id": 2}',
        b'{"user": {"id": 1, "id": 2}}',
        b'{"id": NaN}',
        b'{"id": Infinity}',
        b'{"id": 1} {"id": 2}',
        b'{"id": 1',
        b'\xef\xbb\xbf{"id": 1}',
        b'{"name": "\xff"}',
        b"[" * 200_000,
        b'{"id": ' + b"9" * 5000 + b"}",
    ],
    ids=range(12),
)
async def test_what_is_not_strict_json_is_no_answer(body: bytes) -> None:
    with pytest.raises(ProviderUnavailable):
        await answered(httpx.Response(200, content=body))


@pytest.mark.parametrize("told", [[1], "x", None, True, {"a": [None]}])
async def test_json_of_any_type_is_read(told: Any) -> None:
    assert await answered(httpx.Response(200, content=json.dumps(told))) == told


async def test_a_form_answer_is_read_as_one() -> None:
    told = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    body = b"access_token=gho_1&scope=read%3Auser%2Cuser%3Aemail&token_type=bearer&x="
    got = await answered(httpx.Response(200, headers=told, content=body), form=True)
    assert got == {
        "access_token": "gho_1",
        "scope": "read:user,user:email",
        "token_type": "bearer",
        "x": "",
    }


@pytest.mark.parametrize(
    ("media", "body"),
    [
        ("application/x-www-form-urlencoded", b"access_token=a&access_token=b"),
        ("application/x-www-form-urlencoded", b"nonsense"),
        ("application/x-www-form-urlencoded", b""),
        ("application/x-www-form-urlencoded", b"a=\xff"),
        ("application/x-www-form-urlencoded", b"&".join(b"n%d=1" % n for n in range(500))),
        ("application/json", b'["access_token"]'),
        ("application/json", b'"access_token"'),
        ("application/json", b"{}"),
        ("text/html", b"<html></html>"),
        ("text/plain", b"access_token=a"),
    ],
)
async def test_an_answer_to_a_form_is_one_object(media: str, body: bytes) -> None:
    response = httpx.Response(200, headers={"Content-Type": media}, content=body)
    with pytest.raises(ProviderUnavailable):
        await answered(response, form=True)


async def test_an_answer_may_hold_a_mebibyte_and_not_a_byte_more() -> None:
    frame = len(json.dumps(""))
    assert await answered(httpx.Response(200, json="x" * (LARGEST - frame)))
    with pytest.raises(ProviderUnavailable, match="large"):
        await answered(httpx.Response(200, json="x" * (LARGEST - frame + 1)))


async def test_a_compressed_answer_is_not_unpacked() -> None:
    packed = httpx.Response(
        200,
        headers={"Content-Encoding": "gzip"},
        stream=httpx.ByteStream(gzip.compress(b"1")),
    )
    with pytest.raises(ProviderUnavailable, match="compressed"):
        await answered(packed)


async def test_no_cookie_comes_back() -> None:
    told = {"Set-Cookie": "session=1; Path=/"}
    far = FarSide(lambda _: httpx.Response(200, headers=told, json={}))
    async with reaching(far) as upstream:
        await upstream.get_json(f"{HERE}/user")
        await upstream.get_json(f"{HERE}/user")
    assert "cookie" not in far.asked[1].headers


@pytest.mark.parametrize("token", ["a\r\nX-Evil: 1", "a\nb", "t\u00f6ken", "\u2028"])
async def test_a_token_can_not_become_a_header(token: str) -> None:
    async with talking(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}") as (url, upstream, heads):
        with pytest.raises(ProviderUnavailable) as gone:
            await upstream.get_json(url, bearer=token)
    assert heads == []
    assert token not in gone.value.detail


@asynccontextmanager
async def talking(
    *parts: bytes | float, bounds: Bounds | None = None
) -> AsyncIterator[tuple[str, HttpUpstream, list[bytes]]]:
    """A raw server that sends the parts, waiting where one is a number of seconds."""
    heads: list[bytes] = []
    talks: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.add(asyncio.current_task())  # type: ignore[arg-type]
        try:
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            for part in parts:
                if isinstance(part, bytes):
                    writer.write(part)
                    await writer.drain()
                else:
                    await asyncio.sleep(part)
        except (asyncio.CancelledError, asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    place = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    network = open_network(bounds=bounds)
    try:
        yield f"http://{place}/user", network.upstream((place,)), heads
    finally:
        await network.close()
        server.close()
        for one in talks:
            one.cancel()
        await asyncio.gather(*talks, return_exceptions=True)


OK_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
SHORT = Bounds(connect=0.2, total=0.4)


@pytest.mark.parametrize(
    "parts",
    [
        (30.0,),
        (OK_HEAD, 30.0),
        (OK_HEAD, *([b" ", 0.1] * 100)),
        (b"HTTP/1.1 200 OK\r\n", *([b"X-A: b\r\n", 0.1] * 100)),
    ],
    ids=["silent", "silent body", "trickling body", "trickling head"],
)
async def test_the_deadline_holds_for_the_whole_call(parts: tuple[bytes | float, ...]) -> None:
    async with talking(*parts, bounds=SHORT) as (url, upstream, _):
        started = monotonic()
        with pytest.raises(ProviderUnavailable):
            await upstream.get_json(url)
        assert 0.3 < monotonic() - started < 5


async def test_an_endless_body_is_cut_off() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    async with talking(head, *([chunk] * 10_000)) as (url, upstream, _):
        with pytest.raises(ProviderUnavailable, match="large"):
            await upstream.get_json(url)


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"SSH-2.0-OpenSSH_9\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n",
    ],
    ids=["closed", "another protocol", "cut short", "broken head"],
)
async def test_a_broken_conversation_is_no_answer(said: bytes) -> None:
    async with talking(said) as (url, upstream, _):
        with pytest.raises(ProviderUnavailable):
            await upstream.get_json(url)


async def test_a_refused_connection_is_no_answer() -> None:
    async with talking() as (url, _, _):
        pass
    network = open_network()
    with pytest.raises(ProviderUnavailable):
        await network.upstream((httpx.URL(url).netloc.decode(),)).get_json(url)
    await network.close()


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    body = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
    async with talking(body) as (url, upstream, _):
        assert await upstream.get_json(url) == {}


@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
async def test_a_certificate_is_verified(
    known: bool, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    if known:
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        writer.close()

    context = authority.server_context()
    server = await asyncio.start_server(greet, "127.0.0.1", 0, ssl=context)
    place = f"localhost:{server.sockets[0].getsockname()[1]}"
    network = open_network()
    call = network.upstream((place,)).get_json(f"https://{place}/user")
    if known:
        assert await call == {}
    else:
        with pytest.raises(ProviderUnavailable, match="ConnectError"):
            await call
    await network.close()
    server.close()
