"""A mailed link falls into other hands, or other hands make one: scanners open it, it is sent on, a
stranger's is sent to the victim, its answer is played again. It opens nothing but what the code in
it opens, for whoever knows for which address it was asked, once.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING, Any

import pytest
from callers import access, open_house, reason, tokens
from homes import code_for

if TYPE_CHECKING:
    from pathlib import Path

    import httpx
    from callers import Caller, House
    from clock import FrozenClock

    from identra.settings import Persistence

ADA, MALLORY = "ada@example.com", "mallory@example.com"
OURS: dict[str, dict[str, Any]] = {"providers.magic_link": {}}
LANDING, LOGIN = "/magic_link/link", "/magic_link/login"
SCANNERS = (
    {"User-Agent": "Mozilla/5.0 (compatible; MailScanner)"},
    {"User-Agent": "Slackbot-LinkExpanding 1.0"},
    {"Sec-Purpose": "prefetch;prerender", "Purpose": "prefetch"},
    {"Range": "bytes=0-1"},
    {"If-None-Match": "*"},
)

pytestmark = pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)


async def asked(house: House, email: str = ADA, **headers: str) -> str:
    """The link in the mail that somebody gets."""
    answer = await house.caller().say("/magic_link/code", {"email": email}, **headers)
    assert answer.status_code == 200, answer.text
    assert house.app.outbox is not None
    letter = house.app.outbox.messages[-1]
    assert letter.to == email
    (link,) = re.findall(r"https?://\S+", letter.text)
    return str(link)


def code_in(link: str) -> str:
    return link.partition("#code=")[2]


async def answer(who: Caller, email: str, code: str) -> httpx.Response:
    return await who.say(LOGIN, {"email": email, "code": code})


def wrong(code: str) -> str:
    return "000000" if code != "000000" else "111111"


async def test_opening_a_link_however_often_spends_nothing_not_even_a_try(
    tmp_path: Path, persistence: Persistence
) -> None:
    """Scanners, previews and prefetching browsers open it, and all that is on its host."""
    async with open_house(tmp_path, persistence, sections=OURS) as house:
        code = code_in(await asked(house))
        query = f"?email={ADA}&code={code}"
        for headers in SCANNERS:
            for method in ("GET", "HEAD", "OPTIONS"):
                for path in (LANDING, f"{LANDING}{query}", f"{LOGIN}{query}"):
                    opened = await house.http.request(method, path, headers=headers)
                    assert opened.status_code in {200, 204, 405}
                    assert not {"set-cookie", "location"} & set(opened.headers)
        assert await house.rows("sessions", "users") == {"sessions": 0, "users": 0}
        for _ in range(4):
            assert reason(await answer(house.caller(), ADA, wrong(code))) == "INVALID_CODE"
        tokens(await answer(house.caller(), ADA, code))


async def test_a_strangers_link_does_not_sign_the_victim_in_as_the_stranger(
    tmp_path: Path, persistence: Persistence
) -> None:
    """The link says nothing of whom it is for; her browser knows her own address, or none."""
    async with open_house(tmp_path, persistence, sections=OURS) as house:
        trap, hers = await asked(house, MALLORY), await asked(house)
        if code_in(trap) != code_in(hers):
            assert reason(await answer(house.caller(), ADA, code_in(trap))) == "INVALID_CODE"
        pair = tokens(await answer(house.caller(), ADA, code_in(hers)))
        assert (await house.caller().info(access(pair))).json()["email"] == ADA


async def test_a_link_holds_nothing_of_the_person_and_nothing_of_the_request(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence, sections=OURS) as house:
        evil = "https://evil.example"
        link = await asked(
            house,
            **{"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"},
            **{"Origin": evil, "Referer": f"{evil}/", "X-Forwarded-Proto": "gopher"},
        )
        assert re.fullmatch(r"http://localhost:8080/magic_link/link#code=\d{6}", link)
        said = {"email": MALLORY, "page": evil, "link": evil, "redirect_url": evil, "next": evil}
        await house.caller().say("/magic_link/code", said)
        assert house.app.outbox is not None
        assert "evil" not in house.app.outbox.messages[-1].text


async def test_the_page_sends_nobody_elsewhere_and_repeats_nothing_it_is_told(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence, sections=OURS) as house:
        plain = await house.caller().ask(LANDING)
        for name in ("next", "page", "redirect_url", "code", "email", "name"):
            for value in ("https://evil.example/", "//evil.example", "<script>alert(1)</script>"):
                told = await house.caller().ask(LANDING, **{name: value})
                assert (told.status_code, told.content) == (200, plain.content)


async def test_the_page_is_kept_framed_and_scripted_by_nobody(
    tmp_path: Path, persistence: Persistence
) -> None:
    """Nothing in it can be clicked under a frame, nothing of it is stored, nothing leaves it."""
    async with open_house(tmp_path, persistence, sections=OURS) as house:
        shown = await house.caller().ask(LANDING)
        policy = dict(
            part.strip().split(" ", 1)
            for part in shown.headers["content-security-policy"].split(";")
        )
        for name, tag in (("script-src", "script"), ("style-src", "style")):
            (own,) = re.findall(rf"<{tag}>(.*?)</{tag}>", shown.text, re.DOTALL)
            digest = base64.b64encode(hashlib.sha256(own.encode()).digest()).decode()
            assert policy.pop(name) == f"'sha256-{digest}'"
        closed = ("default-src", "base-uri", "form-action", "frame-ancestors")
        assert policy == dict.fromkeys(closed, "'none'")
        assert shown.headers["cache-control"] == "no-store"
        assert shown.headers["referrer-policy"] == "no-referrer"
        assert shown.headers["x-content-type-options"] == "nosniff"
        assert not re.search(r"\b(?:src|href|action)=|fetch\(|innerHTML", shown.text)


async def test_a_link_that_was_sent_on_opens_nothing_for_another_address(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence, sections=OURS) as house:
        code = code_in(await asked(house))
        assert reason(await answer(house.caller(), MALLORY, code)) == "INVALID_CODE"
        for provider in ("email", "password/register"):
            body = {"email": ADA, "code": code, "password": "correct horse battery staple"}
            path = {"email": "/email/login"}.get(provider, f"/{provider}/confirm")
            assert reason(await house.caller().say(path, body)) == "INVALID_CODE"
        tokens(await answer(house.caller(), ADA, code))


async def test_a_links_answer_is_good_once_whether_it_was_typed_or_brought(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence, sections=OURS) as house:
        link = await asked(house)
        tokens(await answer(house.caller(), ADA, code_for(house.app, ADA)))
        assert reason(await answer(house.caller(), ADA, code_in(link))) == "INVALID_CODE"


async def test_a_link_is_over_when_its_code_is(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    async with open_house(tmp_path, persistence, sections=OURS, clock=clock) as house:
        first = await asked(house)
        clock.advance(61)
        second = await asked(house)
        if first != second:
            assert reason(await answer(house.caller(), ADA, code_in(first))) == "INVALID_CODE"
        clock.advance(601)
        assert reason(await answer(house.caller(), ADA, code_in(second))) == "INVALID_CODE"


async def test_guesses_at_the_typed_code_are_guesses_at_the_link(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence, sections=OURS) as house:
        code = code_in(await asked(house))
        for _ in range(5):
            assert reason(await answer(house.caller(), ADA, wrong(code))) == "INVALID_CODE"
        assert reason(await answer(house.caller(), ADA, code)) == "INVALID_CODE"


async def test_a_link_beside_plain_codes_brings_neither_more_guesses_nor_more_mails(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    """An address has one mailbox and one allowance, however many providers mail to it."""
    sections = OURS | {"providers.desk": {"plugin": "magic_link"}}
    names = ("email", "magic_link", "desk")
    async with open_house(tmp_path, persistence, sections=sections, clock=clock) as house:
        who = house.caller()
        for number in range(20):
            guess = {"email": ADA, "code": "x"}
            answered = await who.say(f"/{names[number % 3]}/login", guess)
            assert reason(answered) == "INVALID_CODE"
            clock.advance(10)
        for name in names:
            answered = await who.say(f"/{name}/login", {"email": ADA, "code": "x"})
            assert reason(answered) == "RATE_LIMITED"
        for number in range(5):
            sent = await who.say(f"/{names[number % 3]}/code", {"email": ADA})
            assert sent.status_code == 200
            clock.advance(61)
        for name in names:
            sent = await who.say(f"/{name}/code", {"email": ADA})
            assert reason(sent) == "RATE_LIMITED"


async def test_no_form_on_another_site_can_answer_for_the_victim(
    tmp_path: Path, persistence: Persistence
) -> None:
    """What a browser posts across sites without asking is no JSON; and it is not let ask."""
    async with open_house(tmp_path, persistence, sections=OURS) as house:
        code = code_in(await asked(house, MALLORY))
        body = f'{{"email":"{MALLORY}","code":"{code}"}}'
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
            headers = {"Content-Type": kind, "Origin": "https://evil.example"}
            posted = await house.http.post(LOGIN, content=body, headers=headers)
            assert reason(posted) == "UNSUPPORTED_MEDIA_TYPE"
        asking = {
            "Origin": "https://evil.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
        }
        preflight = await house.http.options(LOGIN, headers=asking)
        assert "access-control-allow-origin" not in preflight.headers
