"""Attack: have a letter say what the attacker chose.

Whatever a caller or a provider says of a person, her name, her program, her picture, the words of a
template in them: none of it is in any letter, nor is it ever read as a template, a tag or a header.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from callers import access, open_house, section_of, tokens
from homes import PASSWORD, code_for
from scribe import letters
from standin.github import Email, GitHub, Person

from identra.mail.envelope import compose
from identra.mail.letters import NAMES, sample

if TYPE_CHECKING:
    from pathlib import Path

    from callers import Caller, House
    from clock import FrozenClock

    from identra.settings import Persistence
    from identra.values import Message

ADA = "ada@example.com"
LOGINS = (
    "{{7*7}}",
    "{% for a in range(9) %}49{% endfor %}",
    "{{ ''.__class__.__mro__ }}",
    "<b>shouting</b>",
    "<img src=//evil.example/x>",
    "%(code)s",
    "eve\r\nBcc: eve@evil.example",
    "eve\n.\nMAIL FROM:<eve@evil.example>",
    "\u202eeve",
    "evilmarker" * 20,
)
SAID = {
    "User-Agent": "{{7*7}}<b>evilmarker</b>",
    "Accept-Language": "{{7*7}}, de;q={{7*7}}, <b>, evilmarker",
    "X-Request-ID": "evilmarker",
    "Referer": "https://evil.example/{{7*7}}",
    "Host": "evil.example",
}
MARKS = (
    "49",
    "evil",
    "{{",
    "}}",
    "{%",
    "%(",
    "<b>",
    "&lt;b",
    "shouting",
    "Bcc",
    "__class__",
    "\u202e",
)


async def bind(house: House, github: GitHub, who: Caller, bearer: str, person: Person) -> None:
    """Bind a person's identity, saying all that can be said beside it."""
    github.welcome(person)
    github.visitor = person.id
    prompt = await who.ask("/oauth/url", bearer=bearer, provider="github")
    back = github.approve(prompt.json()["url"])
    body: dict[str, Any] = {"code": back["code"], "state": back["state"]}
    tokens(await who.say("/oauth/bind", body, bearer=bearer, **SAID))


def innocent(message: Message) -> None:
    """Nothing of what was said is in a letter, neither as it was said nor as it would come out."""
    mail = compose(message, sender="noreply@example.com", at=0, name="unique")
    headers = {name: str(value) for name, value in mail.items()}
    assert set(headers) <= {
        *("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "Content-Language"),
        *("MIME-Version", "Content-Type", "Content-Transfer-Encoding"),
    }
    for said in (message.subject, message.text, message.html or "", headers["Subject"]):
        code_free = said.replace(_digits(message), "")
        assert not [mark for mark in MARKS if mark in code_free], said


def _digits(message: Message) -> str:
    found = [word for word in message.text.split() if word.isdigit() and len(word) == 6]
    return found[0] if found else "no code"


async def test_what_a_person_is_called_elsewhere_is_in_no_letter(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    github = GitHub()
    sections = {
        "providers.github": section_of(github),
        "providers.magic_link": {},
        "mail": {"tell_new_network": True},
    }
    async with open_house(
        tmp_path, persistence, sections=sections, transport=github.transport(), clock=clock
    ) as house:
        body = {"email": ADA, "use_html": True, "locale": "{{7*7}}<b>evilmarker"}
        her = house.caller()
        assert (await her.say("/email/code", body, **SAID)).json() == {}
        bearer = access(tokens(await her.answer(ADA, code_for(house.app, ADA))))
        for number, login in enumerate(LOGINS, start=1):
            address = Email(f"p{number}@example.com")
            picture = f"https://evil.example/{{{{7*7}}}}/{number}"
            await bind(
                house, github, her, bearer, Person(number, login, (address,), avatar_url=picture)
            )
        assert (await her.say("/magic_link/code", body, **SAID)).status_code == 200
        register = {"email": "eve@example.com", "password": PASSWORD, "locale": "{{7*7}}"}
        assert (await her.say("/password/register", register, **SAID)).status_code == 202
        assert house.app.outbox is not None
        told = house.app.outbox.messages
        assert [one.letter for one in told].count("identity_linked") == len(LOGINS)
        assert {one.locale for one in told} == {"en"}
        for message in told:
            innocent(message)


async def test_what_an_address_is_made_of_and_what_operators_say_is_in_no_letter(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    """Much is allowed left of the @; all of it stands in the head alone, as the recipient."""
    eve = "{{7*7}}%s{%evil@example.com"
    async with open_house(tmp_path, persistence, clock=clock) as house:
        office = house.app.office
        user_id = await office.invite(eve, by="{{7*7}}evilmarker")
        assert await office.prove(user_id, eve, by="{{7*7}}evilmarker")
        clock.advance(1)
        assert await office.prove(user_id, f"further-{eve}", by="{{7*7}}evilmarker")
        await office.disable(eve, "{{7*7}}<b>evilmarker</b>", by="{{7*7}}evilmarker")
        await office.delete(eve, now=False, by="{{7*7}}evilmarker")
        await office.delete(eve, now=True, by="{{7*7}}evilmarker")
        assert house.app.outbox is not None
        told = house.app.outbox.messages
        names = ["invitation", "address_added", "account_disabled", "deletion_asked"]
        assert [one.letter for one in told] == [*names, "account_deleted"]
        assert {one.to for one in told} == {eve}
        for message in told:
            innocent(message)


def test_a_name_that_operators_chose_is_no_template_either() -> None:
    """The one name in a letter is the application's, and not even that is read again."""
    written = letters(application_name="{{ 7*7 }} %(code)s <b>")
    for name in NAMES:
        made = written.write(name, ADA, "de", sample(name, 0))
        assert "{{ 7*7 }} %(code)s <b>" in made.subject
        assert "<b>" not in (made.html or "")
