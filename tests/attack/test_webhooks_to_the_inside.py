"""Nobody has Identra call its own machine or network by the URL of a webhook."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
import pytest
from standin.receiver import KEY, SECRET, Receiver
from standin.sites import open_site
from wires import certificates

from identra.settings import SettingsError, load
from identra.upstream import Outlet
from identra.upstream import outlet as outlets
from identra.upstream.outlet import Barred, fit_address
from identra.webhooks.signing import headers_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from identra.upstream import Grounds, Reply

BODY = b'{"type":"user.created"}'


@asynccontextmanager
async def outlet(
    url: str, grounds: Grounds = "public", *answers: Sequence[str]
) -> AsyncIterator[Outlet]:
    """A way to a URL, whose host resolves to these addresses, the last of them for good."""
    told = list(answers)

    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return told.pop(0) if len(told) > 1 else told[0]

    asked = resolve if told else outlets.resolve
    made = Outlet(url, grounds, resolve=asked, verify=certificates())
    try:
        yield made
    finally:
        await made.close()


async def post(way: Outlet) -> Reply:
    return await way.post(BODY, headers_of("1", 1, BODY, [KEY]))


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.1", "0", "[::1]", "[::]"),
        *("[::ffff:127.0.0.1]", "169.254.169.254", "[::ffff:a9fe:a9fe]", "10.0.0.1", "192.168.0.1"),
        *("[fd00:ec2::254]", "[64:ff9b::7f00:1]", "100.100.100.200", "224.0.0.1"),
    ],
)
async def test_no_spelling_of_an_inner_address_is_called(host: str) -> None:
    async with outlet(f"https://{host}:1/") as way:
        reply = await post(way)
    assert reply.status == 0
    assert reply.cause in {"address refused", "gaierror"}


@pytest.mark.parametrize(
    "address",
    [
        *("169.254.169.254", "fd00:ec2::254", "100.100.100.200", "fd20:ce::254", "168.63.129.16"),
        *("::ffff:168.63.129.16", "64:ff9b::a83f:8110", "2002:a83f:8110::1"),
    ],
)
async def test_where_a_cloud_keeps_credentials_is_not_called_even_within_private_networks(
    address: str,
) -> None:
    async with outlet("https://app.example/", "private", [address]) as way:
        assert (await post(way)).cause == "address refused"


async def test_a_name_that_leads_elsewhere_a_moment_later_leads_nowhere() -> None:
    """What is connected to is the address that was judged, and each call is judged anew."""
    receiver = Receiver()
    with open_site(receiver) as site:
        port = httpx.URL(site.base_url).port
        rebinding = (["203.0.113.1", "127.0.0.1"], ["127.0.0.1"])
        async with outlet(f"https://app.example:{port}/", "public", *rebinding) as way:
            assert (await post(way)).cause == "address refused"
            assert (await post(way)).cause == "address refused"
        url = f"http://app.example:{port}/"
        async with outlet(url, "private", ["10.0.0.1"], ["127.0.0.1"]) as way:
            assert (await post(way)).cause == "address refused", "without TLS no network at all"
            assert (await post(way)).status == 204
        assert await fit_address(url, "private", _local) == "127.0.0.1"
        with pytest.raises(Barred):
            await fit_address(url.replace("http:", "https:"), "public", _local)
    assert len(receiver.heard) == 1


async def _local(_host: str, _port: int) -> Sequence[str]:
    return ["127.0.0.1"]


async def test_a_redirect_to_the_inside_is_a_failure_and_is_not_followed() -> None:
    inside = Receiver()
    with open_site(inside) as near:
        elsewhere = httpx.Response(307, headers={"Location": near.base_url})
        with open_site(Receiver(reply=lambda _: elsewhere)) as far:
            async with outlet(far.base_url, "private") as way:
                reply = await post(way)
    assert reply.status == 307
    assert inside.heard == inside.forged == []


async def test_the_certificate_is_that_of_the_name_and_not_of_the_address() -> None:
    """The address is connected to, and the name is what it must prove."""
    with open_site(Receiver()) as site:
        port = httpx.URL(site.base_url).port
        async with outlet(f"https://app.example:{port}/", "private", ["127.0.0.1"]) as way:
            assert (await post(way)).cause == "ConnectError", "a site without TLS proves nothing"
    assert certificates().check_hostname
    assert certificates().verify_mode == ssl.CERT_REQUIRED


async def test_an_endless_answer_is_not_read_to_its_end() -> None:
    long = Receiver(reply=lambda _: httpx.Response(200, content=b"x" * 4_000_000))
    with open_site(long) as site:
        async with outlet(site.base_url, "private") as way:
            assert (await post(way)).status == 200


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ('url = "http://app.example/"', "url is https"),
        ('url = "http://127.0.0.1/"', "url is https"),
        ('url = "http://10.0.0.1/"\nallow_private = true', "url is https"),
        ('url = "https://u:p@app.example/"', "without user"),
        ('url = "https://app.example/#x"', "without user"),
        ('url = "ftp://app.example/"', "https URL"),
        ('url = "https://app.example/\\n"', "https URL"),
        ('url = "https://app.example/"\nevents = ["user"]', "reads like"),
    ],
    ids=["plain", "plain near", "plain private", "user", "fragment", "ftp", "line", "event"],
)
def test_a_target_that_gives_itself_away_keeps_the_service_from_starting(
    tmp_path: Path, said: str, why: str
) -> None:
    file = tmp_path / "identra.toml"
    file.write_text(f'[webhooks.app]\n{said}\nsecrets = ["{SECRET}"]\n')
    with pytest.raises(SettingsError, match=why) as caught:
        load(file, {})
    assert SECRET not in str(caught.value)


async def test_a_name_that_nobody_answers_for_takes_one_lookup_however_many_wait() -> None:
    """Lookups run in a few threads, which mail and sign-ins at other places need as well."""
    asked, answered = 0, asyncio.Event()

    async def resolve(_host: str, _port: int) -> Sequence[str]:
        nonlocal asked
        asked += 1
        await answered.wait()
        return ["127.0.0.1"]

    made = Outlet("https://app.example/", "public", resolve=resolve, verify=certificates())
    posts = [asyncio.create_task(post(made)) for _ in range(20)]
    await asyncio.sleep(0)
    posts[0].cancel()
    posts.append(asyncio.create_task(post(made)))
    await asyncio.sleep(0.1)
    assert asked == 1
    answered.set()
    replies = await asyncio.gather(*posts[1:])
    assert {reply.cause for reply in replies} == {"address refused"}
    await post(made)
    assert asked == 2, "each call after it is judged anew"
    await made.close()
