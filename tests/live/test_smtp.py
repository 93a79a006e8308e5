"""Mail leaves through a real SMTP server, in every way `[smtp_mailer]` can say."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from time import time_ns
from typing import TYPE_CHECKING, Any

import pytest
import scribe
from authority import Authority
from postbox import TLS, Postbox, open_postbox
from structlog.testing import capture_logs

from identra.errors import Busy, OperatorError
from identra.mail import SmtpMailer
from identra.mail.delivery import Limits
from identra.settings.sections import SmtpMailer as SmtpSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from identra.values import Message

LOGIN = ("postmaster", "correct horse")
QUICK = Limits(pauses=(0.01, 0.01, 0.01))
ADDRESS = "alice@example.com"


def now() -> int:
    return time_ns() // 1000


def settings(port: int, **said: Any) -> SmtpSettings:
    return SmtpSettings.model_validate(
        {
            "host": "localhost",
            "port": port,
            "from": "noreply@mail.example.com",
            "tls": "none",
            **said,
        }
    )


def letter(to: str = ADDRESS, *, use_html: bool = False) -> Message:
    return scribe.letter("code", to=to, html=use_html)


@asynccontextmanager
async def mailing(
    section: SmtpSettings, *, grace: float = 10, room: int = 1000, limits: Limits = QUICK
) -> AsyncIterator[SmtpMailer]:
    mailer = SmtpMailer(section, clock=now, limits=limits, room=room)
    await mailer.start()
    try:
        yield mailer
    finally:
        await mailer.close(grace)


async def post_to(box: Postbox, message: Message, **said: Any) -> list[Any]:
    """Post one letter, wait for its outcome, and give back the logs."""
    with capture_logs() as logs:
        async with mailing(settings(box.port, **said)) as mailer:
            mailer.post(message)
    return logs


@pytest.fixture
def authority(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """An authority that the system's store of this process trusts."""
    made = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.file))
    return made


@pytest.mark.parametrize("login", [None, LOGIN], ids=["anonymous", "login"])
@pytest.mark.parametrize("tls", ["none", "starttls", "implicit"])
async def test_a_letter_arrives_in_every_mode(
    tls: TLS, login: tuple[str, str] | None, authority: Authority
) -> None:
    said = {"username": login[0], "password": login[1]} if login else {}
    async with open_postbox(tls, context=authority.server_context(), login=login) as box:
        await post_to(box, letter(), tls=tls, **said)
        got = await box.wait_for(ADDRESS)
    assert got.encrypted is (tls != "none")
    assert got.login == (login[0] if login else None)
    assert all(hidden is (tls != "none") for _, hidden in box.logins)
    assert "123456" in got.text


async def test_a_letter_has_one_envelope_recipient_and_the_headers_of_a_machine() -> None:
    async with open_postbox() as box:
        await post_to(box, letter())
        got = await box.wait_for(ADDRESS)
    assert (got.sender, got.recipients) == ("noreply@mail.example.com", (ADDRESS,))
    assert got.mail["From"] == "noreply@mail.example.com"
    assert got.mail["To"] == ADDRESS
    assert got.mail["Auto-Submitted"] == "auto-generated"
    assert got.mail["Message-ID"].endswith("@mail.example.com>")
    assert abs(got.mail["Date"].datetime.timestamp() - now() / 1_000_000) < 60


async def test_html_comes_beside_text_only_when_wished() -> None:
    async with open_postbox() as box:
        async with mailing(settings(box.port)) as mailer:
            mailer.post(letter("plain@example.com"))
            mailer.post(letter("rich@example.com", use_html=True))
        plain, rich = (
            await box.wait_for("plain@example.com"),
            await box.wait_for("rich@example.com"),
        )
    assert plain.mail.get_content_type() == "text/plain"
    assert plain.html is None
    assert rich.mail.get_content_type() == "multipart/alternative"
    assert "123456" in rich.text
    assert rich.html is not None
    assert "123456" in rich.html


async def test_words_beyond_ascii_arrive_whole_through_a_seven_bit_server() -> None:
    message = scribe.letter("code", "ja", to=ADDRESS, application_name="Käsekrämer 🧀")
    async with open_postbox() as box:
        await post_to(box, message)
        got = await box.wait_for(ADDRESS)
    assert got.raw.isascii()
    assert "Käsekrämer 🧀" in got.text
    assert "Käsekrämer 🧀" in (got.html or "")
    assert got.mail["Subject"] == message.subject
    assert "Käsekrämer 🧀" in message.subject
    assert got.mail["Content-Language"] == "ja"
    assert got.text.splitlines() == message.text.splitlines()


async def test_a_wrong_password_fails_once_and_is_not_tried_again(authority: Authority) -> None:
    async with open_postbox("starttls", context=authority.server_context(), login=LOGIN) as box:
        logs = await post_to(box, letter(), tls="starttls", username=LOGIN[0], password="wrong")
    assert box.received == []
    assert box.connections == 1
    assert [entry["event"] for entry in logs] == ["mail failed"]
    assert "535" in logs[0]["cause"]


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_a_server_of_an_unknown_authority_gets_neither_letter_nor_password(
    tls: TLS, tmp_path: Any
) -> None:
    context = Authority(tmp_path).server_context()
    async with open_postbox(tls, context=context, login=LOGIN) as box:
        logs = await post_to(box, letter(), tls=tls, username=LOGIN[0], password=LOGIN[1])
    assert (box.received, box.logins) == ([], [])
    assert [entry.get("cause") for entry in logs] == ["certificate"]


async def test_a_certificate_for_another_name_is_refused(authority: Authority) -> None:
    async with open_postbox("implicit", context=authority.server_context()) as box:
        logs = await post_to(box, letter(), tls="implicit", host="127.0.0.2")
    assert box.received == []
    assert logs[-1]["event"] == "mail failed"


async def test_starttls_is_demanded_of_a_server_that_does_not_offer_it() -> None:
    async with open_postbox("none") as box:
        logs = await post_to(box, letter(), tls="starttls")
    assert box.received == []
    assert logs[-1]["event"] == "mail failed"


async def test_a_temporary_refusal_is_tried_again_until_the_letter_is_taken() -> None:
    async with open_postbox() as box:
        box.answers.extend(["451 4.3.0 Try later", "452 4.2.2 Full"])
        logs = await post_to(box, letter())
    assert len(box.received) == 1
    assert [entry["event"] for entry in logs] == ["mail delayed", "mail delayed", "mail delivered"]


async def test_a_lasting_refusal_is_not_tried_again() -> None:
    async with open_postbox() as box:
        box.answers.append("554 5.7.1 alice@example.com is not welcome")
        logs = await post_to(box, letter())
    assert (box.received, box.attempts) == ([], 1)
    assert [entry["event"] for entry in logs] == ["mail failed"]


async def test_a_temporary_refusal_that_stays_is_given_up() -> None:
    async with open_postbox() as box:
        box.answers.extend(["451 4.3.0 Try later"] * 4)
        logs = await post_to(box, letter())
    assert (box.received, box.attempts) == ([], 4)
    assert logs[-1]["event"] == "mail failed"


async def test_a_server_that_comes_back_still_gets_the_letter() -> None:
    dropped = asyncio.Event()

    async def drop(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()
        dropped.set()

    failing = await asyncio.start_server(drop, "127.0.0.1", 0)
    port = failing.sockets[0].getsockname()[1]
    async with mailing(settings(port), limits=Limits(pauses=(0.05,) * 200)) as mailer:
        mailer.post(letter())
        await dropped.wait()
        failing.close()
        await failing.wait_closed()
        async with open_postbox(port=port) as box:
            await box.wait_for(ADDRESS)


async def test_a_slow_server_is_left_at_the_limit_and_holds_up_no_caller() -> None:
    limits = Limits(whole=0.2, pauses=())
    async with open_postbox() as box:
        box.slowness = 30
        started = now()
        with capture_logs() as logs:
            async with mailing(settings(box.port), limits=limits) as mailer:
                mailer.post(letter())
                assert now() - started < 5_000_000
        assert now() - started < 10_000_000
    assert (logs[-1]["event"], logs[-1]["cause"]) == ("mail failed", "TimeoutError")


async def test_a_silent_server_is_left_at_the_connect_limit() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        limits = Limits(connect=0.2, pauses=())
        section = settings(deaf.getsockname()[1])
        with capture_logs() as logs:
            async with mailing(section, limits=limits) as mailer:
                mailer.post(letter())
    assert logs[-1]["event"] == "mail failed"


async def test_one_slow_recipient_holds_up_no_other() -> None:
    limits = Limits(pauses=(60.0,))
    async with open_postbox() as box:
        box.answers.append("451 4.7.1 Greylisted")
        async with mailing(settings(box.port), limits=limits, grace=0) as mailer:
            mailer.post(letter("grey@example.com"))
            await box.wait_until_tried(1)
            for number in range(8):
                mailer.post(letter(f"user{number}@example.com"))
            for number in range(8):
                await box.wait_for(f"user{number}@example.com")


async def test_a_full_queue_is_busy_and_what_was_taken_still_leaves() -> None:
    async with open_postbox() as box:
        async with mailing(settings(box.port), room=2) as mailer:
            mailer.post(letter("one@example.com"))
            mailer.post(letter("two@example.com"))
            with pytest.raises(Busy):
                mailer.post(letter("three@example.com"))
        assert len(box.received) == 2
        with pytest.raises(Busy):
            mailer.post(letter("late@example.com"))


async def test_a_letter_that_is_asked_for_is_written_later_and_leaves() -> None:
    """Nothing of it is done within the call; it has its place in the queue from then on."""
    written: list[str] = []

    def write() -> Message:
        written.append(ADDRESS)
        return letter()

    async with open_postbox() as box:
        async with mailing(settings(box.port), room=1) as mailer:
            mailer.commission(ADDRESS, write)
            assert written == []
            assert mailer.unsettled == 1
            with pytest.raises(Busy):
                mailer.commission(ADDRESS, write)
        assert len(box.to(ADDRESS)) == len(written) == 1


async def test_a_letter_that_is_not_to_leave_takes_its_place_and_is_written() -> None:
    written: list[Message] = []
    async with open_postbox() as box:
        with capture_logs() as logs:
            async with mailing(settings(box.port), room=1) as mailer:
                mailer.commission(
                    ADDRESS, lambda: written.append(letter()) or letter(), leaves=False
                )
                with pytest.raises(Busy):
                    mailer.post(letter())
        assert (len(written), box.connections, logs) == (1, 0, [])


async def test_a_letter_that_cannot_be_written_is_told_of() -> None:
    def write() -> Message:
        raise OperatorError(f"a template that repeats {ADDRESS}")

    async with open_postbox() as box:
        with capture_logs() as logs:
            async with mailing(settings(box.port)) as mailer:
                mailer.commission(ADDRESS, write)
        assert box.connections == 0
    assert [(entry["event"], entry["cause"]) for entry in logs] == [
        ("mail failed", "OperatorError")
    ]
    assert ADDRESS not in str(logs)


async def test_closing_waits_no_longer_than_its_grace() -> None:
    async with open_postbox() as box:
        box.slowness = 30
        with capture_logs() as logs:
            started = now()
            async with mailing(settings(box.port), grace=0.1) as mailer:
                mailer.post(letter())
            assert now() - started < 10_000_000
    assert {"event": "mail left undelivered", "log_level": "warning", "letters": 1} in logs


async def test_logs_tell_neither_address_nor_code() -> None:
    async with open_postbox() as box:
        box.answers.extend(
            [f"451 4.3.0 <{ADDRESS}> later 123456", f"550 5.1.1 <{ADDRESS}> unknown"]
        )
        logs = await post_to(box, letter())
    assert len(logs) == 2
    assert ADDRESS not in str(logs)
    assert "alice" not in str(logs)
    assert "123456" not in str(logs)


@pytest.mark.parametrize("host", ["mail.example.com", "192.0.2.1", "localhost.example.com"])
def test_a_password_never_goes_unencrypted_to_another_machine(host: str) -> None:
    with pytest.raises(ValueError, match="TLS"):
        settings(25, host=host, tls="none", username="u", password="p")
