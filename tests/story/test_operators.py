"""Operators find, help, block and release people; each act is on record, and its owner is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from callers import IMMEDIATE, Caller, access, open_house, reason, section_of, tokens
from desk import Desk, open_desk
from homes import PASSWORD, code_for, mails_to
from scribe import letter
from standin.github import Email, GitHub, Person

if TYPE_CHECKING:
    from pathlib import Path

    from homes import Sections

    from identra.settings import Persistence

ADA, BOB, CY = "ada@example.com", "bob@example.com", "cy@example.com"
CLOSED: Sections = {"auth": {"sign_up": "closed"}}
BY_HER = {"by": "operator"}
Capture = pytest.CaptureFixture[str]
Sqlite = pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)


async def user_id_of(who: Caller, pair: dict[str, Any]) -> str:
    told: str = (await who.info(access(pair))).json()["user_id"]
    return told


async def by_code(desk: Desk, github: GitHub) -> tuple[Caller, dict[str, Any]]:
    return await desk.house.owner(ADA)


async def by_registering(desk: Desk, github: GitHub) -> tuple[Caller, dict[str, Any]]:
    """Where there is nothing but passwords, that is how an address is proved."""
    her = desk.house.caller()
    assert (await her.register(ADA)).status_code == 202
    return her, tokens(await her.confirm(ADA, code_for(desk.house.app, ADA)))


async def by_github(desk: Desk, github: GitHub) -> tuple[Caller, dict[str, Any]]:
    return desk.house.caller(), tokens(await at_github(desk, github, 7))


async def at_github(desk: Desk, github: GitHub, number: int, bearer: str | None = None) -> Any:
    """A trip to GitHub by the person of that number there; what it is answered."""
    github.visitor = number
    her = desk.house.caller()
    prompt = (await her.ask("/oauth/url", bearer=bearer, provider="github")).json()
    back = github.approve(prompt["url"])
    path = "/oauth/bind" if bearer else "/oauth/login"
    body = {"code": back["code"], "state": back["state"]}
    return await her.say(path, body, bearer=bearer)


@pytest.mark.parametrize("way", [by_code, by_registering, by_github])
async def test_an_invited_person_comes_into_the_account_that_was_made_for_her(
    tmp_path: Path, persistence: Persistence, capsys: Capture, way: Any
) -> None:
    """Though nobody may sign up; a stranger does not become somebody by the same way."""
    github = GitHub()
    github.welcome(Person(7, "ada", (Email(ADA),)))
    github.welcome(Person(8, "eve", (Email("eve@example.com"),)))
    sections = CLOSED | {"providers.github": section_of(github)}
    opened = open_desk(
        tmp_path, persistence, capsys, sections=sections, transport=github.transport()
    )
    async with opened as desk:
        user_id = await desk.order("invite", "Ada@Example.com", "--locale", "de")
        invitation = await desk.box.wait_for(ADA)
        assert invitation.mail["Subject"] == letter("invitation", "de").subject
        assert invitation.mail["Content-Language"] == "de"
        assert desk.house.app.outbox
        her, pair = await way(desk, github)
        assert await user_id_of(her, pair) == user_id
        assert (await her.info(access(pair))).json()["email_verified"] is True
        told = [one.letter for one in desk.house.app.outbox.messages]
        assert not {"claim_dropped", "password_set"} & {*told}, "nobody was there before her"
        assert await desk.events("user.created") == [BY_HER | {"user_id": user_id}]
        assert await desk.events("user.invited") == [BY_HER | {"user_id": user_id}]
        assert reason(await at_github(desk, github, 8)) == "SIGN_UP_CLOSED"
        assert len((await desk.read("list"))["users"]) == 1


@Sqlite
async def test_an_invitation_is_written_again_until_its_owner_came(
    tmp_path: Path, persistence: Persistence, capsys: Capture
) -> None:
    async with open_desk(tmp_path, persistence, capsys, sections=CLOSED) as desk:
        first = await desk.read("invite", ADA)
        assert await desk.read("invite", ADA) == first
        await desk.box.wait_for(ADA, count=2)
        her, pair = await desk.house.owner(ADA)
        assert {"user_id": await user_id_of(her, pair)} == first
        assert "in use" in await desk.refused("invite", ADA)
        assert len(desk.box.to(ADA)) == 2


async def test_every_act_is_on_record_and_told_to_its_owner_in_her_language(
    tmp_path: Path, persistence: Persistence, capsys: Capture
) -> None:
    """The reason that an operator gives is in the event, and in no letter."""
    async with open_desk(tmp_path, persistence, capsys) as desk:
        her = desk.house.caller()
        asked = {"email": ADA, "password": PASSWORD, "locale": "fr"}
        assert (await her.say("/password/register", asked)).status_code == 202
        pair = tokens(await her.confirm(ADA, code_for(desk.house.app, ADA)))
        user_id = await user_id_of(her, pair)
        done = BY_HER | {"user_id": user_id}

        why = "spam {{ 917*7 }}, says Bob"
        assert await desk.order("disable", ADA, "--reason", why) == "disabled"
        assert reason(await her.info(access(pair))) == "INVALID_TOKEN"
        assert await desk.events("user.disabled") == [done | {"reason": why}]
        assert await desk.order("disable", ADA) == "was disabled already"
        assert await desk.order("enable", user_id) == "enabled"
        assert await desk.events("user.enabled") == [done]
        assert await desk.order("require-password", ADA) == "required"
        assert reason(await her.log_in(ADA)) == "PASSWORD_CHANGE_REQUIRED"
        required = await desk.events("password.required")
        assert required == [done | {"provider": "password"}]
        await desk.house.owner(ADA)
        assert await desk.order("revoke-sessions", ADA) == "ended 1"
        revoked = (await desk.events("session.revoked"))[-1]
        assert revoked == done | {"reason": "operator", "sessions": "1"}
        assert (await desk.order("delete", ADA)).startswith("will be deleted ")
        assert (await desk.order("delete", ADA)).startswith("will be deleted ")
        assert (await desk.order("enable", ADA)) == "enabled"
        assert await desk.events("user.restored") == [done]
        assert await desk.order("export", ADA)
        assert await desk.events("user.exported") == [done]
        assert await desk.order("delete", ADA, "--now") == "deleted"
        assert await desk.events("user.deleted") == [BY_HER | {"user_id": None}]

        names = ("account_disabled", "password_required", "deletion_asked", "account_deleted")
        for number, name in enumerate(names, start=1):
            came = await desk.box.wait_for(ADA, count=number)
            assert came.mail["Subject"] == letter(name, "fr").subject
            assert not [word for word in ("spam", "6419", "{{", "Bob") if word in came.text]
        assert len(desk.box.received) == len(names)


@Sqlite
async def test_one_who_proved_no_address_is_told_nothing(
    tmp_path: Path, persistence: Persistence, capsys: Capture
) -> None:
    """It may be somebody else's."""
    async with open_desk(tmp_path, persistence, capsys) as desk:
        await desk.order("create", ADA)
        await desk.order("disable", ADA)
        await desk.order("delete", ADA, "--now")
        assert desk.box.received == []


@Sqlite
@pytest.mark.parametrize("away", ["unset", "refusing", "not what was asked for"])
async def test_what_is_done_stands_though_its_letter_does_not_leave(
    tmp_path: Path, persistence: Persistence, capsys: Capture, away: str
) -> None:
    async with open_desk(tmp_path, persistence, capsys) as desk:
        said = desk.house.settings.read_text()
        desk.box.relays = away != "refusing"
        if away == "unset":
            desk.house.settings.write_text(said.partition("[smtp_mailer]")[0])
        if away == "not what was asked for":
            desk.house.settings.write_text(said.replace('tls = "none"', 'tls = "starttls"'))
        code, user_id, says = await desk.ask("invite", ADA)
        assert code == 0
        cause = {
            "unset": "there is no [smtp_mailer]",
            "refusing": "SMTPRecipientsRefused 550",
            "not what was asked for": "SMTPException",
        }[away]
        (line,) = says.splitlines()
        assert line.startswith("identra: it is done, but the letter invitation did not leave: ")
        assert cause in line
        her, pair = await desk.house.owner(ADA)
        assert await user_id_of(her, pair) == user_id.strip()


@Sqlite
async def test_a_server_that_asks_to_come_again_gets_the_letter_a_little_later(
    tmp_path: Path, persistence: Persistence, capsys: Capture
) -> None:
    async with open_desk(tmp_path, persistence, capsys) as desk:
        desk.box.answers.append("451 4.7.1 later")
        assert await desk.order("invite", ADA)
        assert (len(desk.box.to(ADA)), desk.box.attempts) == (1, 2)


async def test_an_address_is_proved_by_hand(
    tmp_path: Path, persistence: Persistence, capsys: Capture
) -> None:
    """Its claimant's password ends as if she had proved it herself; a new one comes by a reset."""
    async with open_desk(tmp_path, persistence, capsys, sections=IMMEDIATE) as desk:
        her = desk.house.caller()
        pair = tokens(await her.register(ADA))
        user_id = await user_id_of(her, pair)
        said = "proved; the password that she had opens nothing any more"
        assert await desk.order("prove", ADA) == said
        assert await desk.events("address.proved") == [BY_HER | {"user_id": user_id}]
        assert reason(await her.log_in(ADA)) == "INVALID_CREDENTIALS"
        assert reason(await her.info(access(pair))) == "INVALID_TOKEN"
        came = await desk.box.wait_for(ADA)
        assert came.mail["Subject"] == letter("password_required").subject
        assert await desk.order("prove", ADA) == "was proved already"
        assert reason(await her.say("/password/reset", {"email": ADA})) == "200"
        body = {"email": ADA, "code": code_for(desk.house.app, ADA), "password": "another horse"}
        assert (
            await user_id_of(her, tokens(await her.say("/password/reset/confirm", body))) == user_id
        )


@Sqlite
async def test_a_password_stays_where_it_is_known_to_be_hers(
    tmp_path: Path, persistence: Persistence, capsys: Capture
) -> None:
    async with open_desk(tmp_path, persistence, capsys, sections=IMMEDIATE) as desk:
        her = desk.house.caller()
        pair = tokens(await her.register(ADA))
        assert await desk.order("prove", ADA, "--keep") == "proved"
        assert (await her.info(access(pair))).json()["email_verified"] is True
        assert reason(await her.log_in(ADA)) == "200"
        assert desk.box.received == []


async def test_a_further_address_is_proved_by_hand_and_anothers_claim_on_it_ends(
    tmp_path: Path, persistence: Persistence, capsys: Capture
) -> None:
    async with open_desk(tmp_path, persistence, capsys, sections=IMMEDIATE) as desk:
        her, pair = await desk.house.owner(ADA)
        eve = desk.house.caller()
        claimed = tokens(await eve.register(BOB))
        await desk.house.owner(CY)
        assert await desk.order("prove", ADA, BOB) == "proved"
        came = await desk.box.wait_for(ADA)
        assert came.mail["Subject"] == letter("address_added").subject
        assert reason(await her.info(access(pair))) == "200", "she had proved something"
        assert reason(await eve.info(access(claimed))) == "INVALID_TOKEN"
        assert reason(await eve.log_in(BOB)) == "INVALID_CREDENTIALS"
        _, by_bob = await desk.house.owner(BOB)
        assert await user_id_of(her, by_bob) == await user_id_of(her, pair)
        assert "in use" in await desk.refused("prove", ADA, CY)
        assert "is not an e-mail address" in await desk.refused("prove", ADA, "nothing")
        assert (await desk.ask("prove", await user_id_of(her, pair)))[0] == 2


async def test_an_identity_is_removed_but_never_the_last_way_in(
    tmp_path: Path, persistence: Persistence, capsys: Capture
) -> None:
    github = GitHub()
    github.welcome(Person(7, "ada", ()))
    sections = {"providers.github": section_of(github)}
    opened = open_desk(
        tmp_path, persistence, capsys, sections=sections, transport=github.transport()
    )
    async with opened as desk:
        her = desk.house.caller()
        pair = tokens(await at_github(desk, github, 7))
        user_id = await user_id_of(her, pair)
        assert "nothing else opens the account" in await desk.refused("unlink", user_id, "github")
        assert await desk.order("prove", user_id, ADA) == "proved"
        assert "no identity of hers" in await desk.refused("unlink", user_id, "gitlab")
        assert await desk.order("unlink", user_id, "github") == "unlinked"
        unlinked = await desk.events("identity.unlinked")
        assert unlinked == [BY_HER | {"user_id": user_id, "provider": "github"}]
        came = await desk.box.wait_for(ADA)
        assert came.mail["Subject"] == letter("identity_unlinked").subject
        _, pair = await desk.house.owner(ADA)
        assert await user_id_of(her, pair) == user_id
        assert await user_id_of(her, tokens(await at_github(desk, github, 7))) != user_id


async def test_the_service_itself_has_the_same_room_and_its_letters_leave_like_all_others(
    tmp_path: Path, persistence: Persistence
) -> None:
    """Who acts is whoever a door says."""
    async with open_house(tmp_path, persistence) as house:
        her, pair = await house.owner(ADA)
        assert await house.app.office.disable(ADA, "", by="admin:robot")
        assert mails_to(house.app, ADA)[-1] == "Your Identra account was disabled"
        assert reason(await her.info(access(pair))) == "INVALID_TOKEN"
        t = house.app.database.tables.events
        row = await house.app.database.first(t.select().where(t.name == "user.disabled"))
        assert row
        assert row["data"] == '{"by": "admin:robot"}'
