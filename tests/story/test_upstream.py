"""What a provider can and can't do on the network, and what bad answers become."""

from __future__ import annotations

import gzip
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from identra.errors import OperatorError, ProviderRefused, ProviderUnavailable
from identra.upstream import HttpUpstream, open_network

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
        with pytest.raises(ProviderUnavailable):
            await upstream.get_text(url)
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


async def test_text_is_asked_for_with_further_headers_and_is_utf_8() -> None:
    far = FarSide(lambda _: httpx.Response(200, content="a: 1\r\n\u00e9".encode()))
    async with reaching(far) as upstream:
        assert await upstream.get_text(f"{HERE}/list", headers={"X-Way": "b"}) == "a: 1\r\n\u00e9"
    assert (far.asked[0].headers["accept"], far.asked[0].headers["x-way"]) == ("text/plain", "b")
    async with reaching(lambda _: httpx.Response(200, content=b"\xff")) as upstream:
        with pytest.raises(ProviderUnavailable, match="no text"):
            await upstream.get_text(f"{HERE}/list")


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
