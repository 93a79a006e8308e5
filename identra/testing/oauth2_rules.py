"""The rules for places that people are sent to: each looks at a house with the plugin in it.

They are all of an OAuth 2.0 place's; those of OpenID Connect come on top of most of these.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlsplit

from identra.roundtrip import Departure
from identra.testing.case import Rule, demand
from identra.testing.house import NOBODY, refused, user_of
from identra.testing.place import CLIENT_ID, REDIRECT, Fault, Person
from identra.testing.redirecting import NO
from identra.values import EmailTrust

if TYPE_CHECKING:
    from identra.testing.redirecting import RedirectingConformance
    from identra.testing.watching import Watch

OTHER: Final = 70_000_002
"""The number in the id of somebody else."""
VICTIM: Final = "victim@example.com"
ELSEWHERE: Final = "https://elsewhere.invalid"
NOBODYS: Final = ("", None, 0, False, "null", " ")


async def starts(case: RedirectingConformance, _: Watch) -> None:
    """It is taken at the door, and can serve with the settings every such place has."""
    async with case.house() as house:
        missing = case.provider_in(house).missing()
        demand(missing is None, f"can't serve: {missing}; give `settings` what it needs")


async def sends_what_it_must(case: RedirectingConformance, _: Watch) -> None:
    """State and PKCE go out with all else that must, each once."""
    async with case.house() as house:
        departure = Departure(case.place_name)
        prompt = await house.app.login.begin_oauth(departure, NOBODY, bearer=None)
    pairs = parse_qsl(urlsplit(prompt.url).query)
    told = dict(pairs)
    demand(len(told) == len(pairs), "a parameter stands in the URL twice")
    expected = {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": REDIRECT,
        "state": prompt.state,
        "code_challenge_method": "S256",
    }
    for name, value in expected.items():
        demand(told.get(name) == value, f"{name} is {told.get(name)!r}, not as it must be")
    demand(told.get("code_challenge"), "there is no code_challenge")
    demand("client_secret" not in told, "the client's secret is in the URL")


async def lets_a_person_in(case: RedirectingConformance, _: Watch) -> None:
    """A person comes in by her subject."""
    person = case.somebody()
    async with case.house() as house:
        subjects = await case.identities(house, await house.sign_in(case.place_name, person))
        hers = case.subject_of(case.provider_in(house), person)
        demand(subjects == [hers], f"the identity's subject is {subjects}")


async def keeps_people_apart(case: RedirectingConformance, _: Watch) -> None:
    """Two people at once are two users."""
    async with case.house() as house:
        one = await house.depart(case.place_name, case.somebody())
        eve = case.somebody(OTHER, name="eve", email="eve@example.com")
        other = await house.depart(case.place_name, eve)
        users = {user_of((await house.come_back(*trip)).token) for trip in (other, one)}
        demand(len(users) == 2, "two people became one user")  # noqa: PLR2004 - these two


async def refuses_a_foreign_state(case: RedirectingConformance, _: Watch) -> None:
    """A state that was never given out is refused before the place is asked."""
    async with case.house() as house:
        code, state = await house.depart(case.place_name, case.somebody())
        before = len(house.place.asked)
        for foreign in ("", "ids_" + "A" * 43, state[:-1]):
            act = house.come_back(code, foreign)
            demand(await refused(act, "INVALID_STATE"), "a state that was never given out is taken")
        demand(len(house.place.asked) == before, "the place was asked for a foreign state")


async def refuses_a_replayed_state(case: RedirectingConformance, _: Watch) -> None:
    """A state is good once."""
    async with case.house() as house:
        code, state = await house.depart(case.place_name, case.somebody())
        await house.come_back(code, state)
        again, _state = await house.depart(
            case.place_name, case.somebody(OTHER, name="eve", email=None)
        )
        act = house.come_back(again, state)
        demand(await refused(act, "INVALID_STATE"), "a state is good twice")


async def refuses_a_replayed_code(case: RedirectingConformance, _: Watch) -> None:
    """A code is good once."""
    async with case.house() as house:
        code, state = await house.depart(case.place_name, case.somebody())
        await house.come_back(code, state)
        _code, fresh = await house.depart(case.place_name, case.somebody())
        act = house.come_back(code, fresh)
        demand(await refused(act, *NO), "a code that was spent at the place let somebody in")


async def refuses_anothers_answer(case: RedirectingConformance, _: Watch) -> None:
    """An answer that names another issuer is refused before its code leaves (RFC 9207)."""
    async with case.house() as house:
        code, state = await house.depart(case.place_name, case.somebody())
        before = len(house.place.asked)
        act = house.come_back(code, state, ELSEWHERE)
        demand(await refused(act, "INVALID_STATE"), "an answer of another issuer is taken")
        demand(len(house.place.asked) == before, "the place was given another one's code")


async def makes_up_no_address(case: RedirectingConformance, _: Watch) -> None:
    """Whoever has no address comes in without one: none is made up."""
    async with case.house() as house:
        person = case.somebody(email=None)
        demand(not await case.is_refused(house, person), "without an address nobody comes in")
        told = await case.email_of(house, person)
        demand(not told, f"the place told no address, and {told!r} came of it")


async def vouches_for_hers_alone(case: RedirectingConformance, _: Watch) -> None:
    """A verified address is vouched for as the place tells it, and no other."""
    async with case.house() as house:
        if case.provider_in(house).trust is EmailTrust.never:
            return
        for person in (case.somebody(), case.somebody(OTHER, name="eve", email="eve@example.com")):
            told = (await house.sign_in(case.place_name, person)).email
            demand(told == person.email, f"the place verified {person.email}, and {told!r} came in")


async def vouches_for_nothing_unverified(case: RedirectingConformance, _: Watch) -> None:
    """An unverified address opens nobody's account, whoever's word for it was had before."""
    if case.make.email_trust is EmailTrust.always:
        return  # its word is that every address is verified: there is nothing to read
    async with case.house() as house:
        victim = await house.owner(VICTIM)
        await case.is_refused(house, case.somebody(email=VICTIM))
        person = case.somebody(OTHER, name="mallory", email=VICTIM, verified=False)
        if await case.is_refused(house, person):
            return
        welcome = await house.sign_in(case.place_name, person)
        demand(user_of(welcome.token) != victim, "an unverified address opened its owner's account")
        demand(not welcome.email, "an unverified address is vouched for")


async def keeps_to_the_subject(case: RedirectingConformance, _: Watch, **changed: Any) -> None:
    """Another address or name is the same person."""
    async with case.house() as house:
        first = await house.sign_in(case.place_name, case.somebody())
        other = replace(case.somebody(), **changed)
        again = await house.sign_in(case.place_name, other)
        same = user_of(first.token) == user_of(again.token)
        identities = await case.identities(house, again)
        what = " and ".join(changed)
        demand(same and len(identities) == 1, f"another {what} made another of one person")
        stranger = await house.sign_in(case.place_name, case.somebody(OTHER))
        mixed = user_of(stranger.token) == user_of(first.token)
        linked = case.make.email_trust is not EmailTrust.never
        demand(not mixed or linked, "two subjects became one user without a vouched address")


async def tells_namesakes_apart(case: RedirectingConformance, _: Watch) -> None:
    """Two people of one name are two users."""
    async with case.house() as house:
        one = await house.sign_in(case.place_name, case.somebody(email=None))
        two = await house.sign_in(case.place_name, case.somebody(OTHER, email=None))
        demand(user_of(one.token) != user_of(two.token), "two of one name became one user")


async def refuses_nobody(case: RedirectingConformance, _: Watch) -> None:
    """Where the place tells no subject nobody comes in."""
    async with case.house() as house:
        for subject in NOBODYS:
            person = Person(subject, "mallory", None)
            let_in = not await case.is_refused(house, person)
            demand(not let_in, f"the place told no subject but {subject!r}, and somebody came in")
        demand(await house.rows() == 0, "something was written of nobody")


async def tells_numbers_apart(case: RedirectingConformance, _: Watch) -> None:
    """Numbers as subjects stay apart, or are refused."""
    await case.demand_two(Person(2**53, "one", None), Person(2**53 + 1, "two", None), "numbers")


async def tells_letters_apart(case: RedirectingConformance, _: Watch) -> None:
    """Subjects that differ in capitals alone stay apart, or are refused."""
    one, two = Person("u-Ada", "one", None), Person("u-aDA", "two", None)
    await case.demand_two(one, two, "subjects that differ in capitals")


async def tells_huge_subjects_apart(case: RedirectingConformance, _: Watch) -> None:
    """Long subjects stay apart, or are refused."""
    for length in (255, 4000):
        start = "u" * (length - 1)
        one, two = (Person(start + end, end, None) for end in "ab")
        await case.demand_two(one, two, f"subjects of {length} characters")


async def is_clean_beside_a_fault(case: RedirectingConformance, _: Watch, fault: Fault) -> None:
    """Whatever comes instead of an answer is one clean error."""
    async with case.house() as house:
        for url in case.urls():
            before, asked = await house.rows(), len(house.place.asked)
            house.place.faults = {url: fault}
            clean = await case.is_refused(house, case.somebody())
            met = url in house.place.asked[asked:]
            demand(clean or not met, f"{url} gave {fault.value}, and somebody came in")
            demand(not clean or await house.rows() == before, "something half-written stayed")
            house.place.faults = {}
            case.let_it_grow_old()
        await house.sign_in(case.place_name, case.somebody())


async def writes_no_secret(case: RedirectingConformance, watch: Watch) -> None:
    """No secret, token, code or state is written out."""
    async with case.house() as house:
        await house.sign_in(case.place_name, case.somebody())
        for fault in Fault:
            for url in case.urls():
                house.place.faults = {url: fault}
                case.let_it_grow_old()
                await case.is_refused(house, case.somebody())
        secrets = house.place.secrets | {house.place.secret}
    demand(not watch.saw(secrets), "a secret, token, code or state was written out")


async def reaches_its_hosts_alone(case: RedirectingConformance, watch: Watch) -> None:
    """Only declared hosts are reached, and only by the upstream."""
    async with case.house() as house:
        provider = case.provider_in(house)
        hosts = {host.partition(":")[0] for host in provider.reaches}
        demand(hosts and not any("*" in host for host in hosts), "hosts are named one by one")
        await house.sign_in(case.place_name, case.somebody())
        asked = {urlsplit(url).hostname for url in house.place.asked}
        demand(asked <= hosts, f"reached {asked - hosts}")
    demand(not watch.reached, f"reached the network past its upstream: {watch.reached}")


async def comes_back_in_time(case: RedirectingConformance, watch: Watch) -> None:
    """It comes back in time, and holds nobody up."""
    async with case.house() as house:
        provider = case.provider_in(house)
    await case.call(provider, watch)


RULES: Final = (
    Rule("starts", starts),
    Rule("state_and_pkce_are_sent", sends_what_it_must),
    Rule("a_person_is_let_in", lets_a_person_in),
    Rule("people_are_kept_apart", keeps_people_apart),
    Rule("a_foreign_state", refuses_a_foreign_state),
    Rule("a_replayed_state", refuses_a_replayed_state),
    Rule("a_replayed_code", refuses_a_replayed_code),
    Rule("an_answer_of_another_issuer", refuses_anothers_answer),
    Rule("a_missing_email", makes_up_no_address),
    Rule("a_verified_email", vouches_for_hers_alone),
    Rule("an_unverified_email", vouches_for_nothing_unverified),
    Rule("a_changed_email", partial(keeps_to_the_subject, email="new@example.com")),
    Rule("a_changed_name", partial(keeps_to_the_subject, name="lovelace")),
    Rule("a_shared_name", tells_namesakes_apart),
    Rule("an_empty_subject", refuses_nobody),
    Rule("a_numeric_subject", tells_numbers_apart),
    Rule("a_subject_in_capitals", tells_letters_apart),
    Rule("a_huge_subject", tells_huge_subjects_apart),
    *(Rule(f"upstream_{one.name}", partial(is_clean_beside_a_fault, fault=one)) for one in Fault),
    Rule("no_secret_in_logs", writes_no_secret),
    Rule("declared_hosts_alone", reaches_its_hosts_alone),
    Rule("in_time", comes_back_in_time),
)
