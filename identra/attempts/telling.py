"""Telling why an attempt went as it did, from its steps and from those before it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from identra.trail import LEFT, SUCCEEDED
from identra.values import SECOND, rfc3339

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from identra.attempts.reading import Kept
    from identra.trail import Act, Step, StepName

ACTS: Final[Mapping[Act, str]] = {
    "code.begin": "ask for a code",
    "code.complete": "sign in with a code",
    "secret.complete": "sign in with a password",
    "oauth.begin": "leave for a provider",
    "oauth.complete": "sign in at a provider",
    "oauth.bind": "bind an identity",
    "registration.begin": "register",
    "registration.complete": "finish a registration",
    "reset.begin": "ask for a new password",
    "reset.complete": "set a new password with a code",
}

STEPS: Final[Mapping[StepName, str]] = {
    "peer": "came by {chain}",
    "code.sent": "a code was handed to {by}, good for {lives} s",
    "code.rests": "no code was sent: one younger than a minute is live",
    "code.owner_told": "the address's owner {user} has a password, and was told so instead",
    "code.withheld": "no code was sent: nobody has proved that address",
    "code.right": "the code is right, at guess {guess}",
    "code.wrong": "the code is wrong, at guess {guess}",
    "code.none": "no code was live, at guess {guess}",
    "code.exhausted": "guess {guess}, which is one too many for a code",
    "code.raced": "the code is right, and somebody else had just used it",
    "code.given_back": "the code may be answered again",
    "secret.right": "the password of {user} is right",
    "secret.wrong": "the password of {user} is another",
    "secret.none": "nobody has both that address and a password",
    "state.opened": "a state was made, good for {lives} s",
    "state.taken": "the state was taken; it was made for {provider}",
    "state.none": "no such state was live",
    "provider.asked": "{provider} is asked: {phase}",
    "provider.answered": "{host} answered with status {status}",
    "plugin.passed": "{plugin} has nothing against it ({hook})",
    "plugin.denied": "{plugin} denied it ({hook})",
    "plugin.failed": "{plugin} failed in {call}: {cause}",
    "asserted": "{provider} tells who it is; its address: {address} (trusted: {trust})",
    "decided": "decided: {does} {user}",
    "overtaken": "somebody was quicker; it is judged anew",
    "session.opened": "session {session} of {user} was opened",
}
"""A line for each step, with its facts."""


LENIENCE: Final = 2 * SECOND
"""Nodes' clocks differ, and a life begins a little after the attempt that began it."""


def written(step: Step) -> str:
    """A step in words; one that another release noted, as far as it is known."""
    return STEPS.get(step.name, "").format_map(_Facts(step.facts)).rstrip()


class _Facts(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return ""


def why(kept: Kept, before: Sequence[Kept]) -> str:
    """The true reason in a sentence. `before` are the attempts about the same, newest first."""
    tell = _REASONS.get(kept.outcome)
    return (tell(kept, before) if tell else "") or _detail(kept)


def _detail(kept: Kept) -> str:
    return kept.detail or kept.outcome


def _succeeded(kept: Kept, before: Sequence[Kept]) -> str:
    del before
    if kept.last("code.rests", "code.owner_told", "code.withheld", "code.sent", "state.opened"):
        return "it was begun: " + written(kept.steps[-1])
    decided, asserted = kept.last("decided"), kept.last("asserted")
    does = decided.facts.get("does", "") if decided else ""
    told = _DOES.get(does.partition(" ")[0], "it succeeded")
    if "links" in does and kept.act != "oauth.bind":
        told += ", and the identity is hers from now on"
    if decided and decided.facts.get("locks_out"):
        told += "; she had only claimed the address, so her former password and sessions ended"
    if asserted and asserted.facts.get("address") == "not_vouched" and "creates" in does:
        told += (
            f"; {asserted.facts['provider']} did not vouch for the address, which so led nowhere"
        )
    return told


_DOES: Final = {"enters": "a user who was known came in", "creates": "a new user was made"}


def _code(kept: Kept, before: Sequence[Kept]) -> str:
    step = kept.last("code.wrong", "code.none", "code.exhausted", "code.raced", "code.right")
    if step is None:
        return ""
    guess = step.facts.get("guess", "")
    if step.name == "code.none":
        return _gone(kept, [one for one in before if _same_code(kept, one)])
    return {
        "code.wrong": f"the code is wrong (guess {guess}); only the code of the newest mail counts",
        "code.exhausted": "the code had been guessed at too often; a new one has to be asked for",
    }.get(step.name, "the code had already been used")


def _same_code(one: Kept, other: Kept) -> bool:
    kind = one.act.partition(".")[0]
    return other.provider == one.provider and other.act.partition(".")[0] == kind


def _gone(kept: Kept, before: Sequence[Kept]) -> str:
    """What became of the code that is not there: it was used, it expired, or there was none."""
    for one in before:
        if one.last("code.right") and one.outcome == SUCCEEDED:
            return f"the code had already been used, by attempt {one.attempt_id}"
        if sent := one.last("code.sent"):
            return _lapsed(kept, one, sent, "code")
        if one.last("code.withheld"):
            return f"no code had been sent: nobody had proved that address ({one.attempt_id})"
    return "no code had been asked for, as far as is known"


def _state(kept: Kept, before: Sequence[Kept]) -> str:
    if not kept.last("state.none"):
        return ""
    used = next((one for one in before if one.last("state.taken")), None)
    if used:
        return f"the state had already been used, by attempt {used.attempt_id}"
    for one in before:
        if opened := one.last("state.opened"):
            return _lapsed(kept, one, opened, "state")
    return "no such state was made here, as far as is known"


def _lapsed(kept: Kept, began: Kept, made: Step, what: str) -> str:
    since = rfc3339(began.at)
    if kept.at - began.at + LENIENCE >= int(made.facts.get("lives", "0")) * SECOND:
        return f"the {what} had expired: it is of {since}, by attempt {began.attempt_id}"
    return f"the {what} of {since} was gone before its time, and nothing kept tells of its use"


def _secret(kept: Kept, before: Sequence[Kept]) -> str:
    del before
    step = kept.last("secret.none", "secret.wrong")
    return written(step) if step else ""


def _provider(kept: Kept, before: Sequence[Kept]) -> str:
    del before
    asked, answered = kept.last("provider.asked"), kept.last("provider.answered")
    failed = kept.last("plugin.failed")
    if failed:
        return written(failed)
    if asked is None:
        return ""
    told = f"{asked.facts['provider']}, {asked.facts['phase']}: {kept.detail}"
    late = answered is None or kept.steps.index(answered) < kept.steps.index(asked)
    return told + ("; it did not answer" if late else "")


def _denied(kept: Kept, before: Sequence[Kept]) -> str:
    del before
    step = kept.last("plugin.denied")
    return f"the plugin {step.facts['plugin']} did not let her in" if step else ""


def _user(kept: Kept, before: Sequence[Kept]) -> str:
    del before
    return f"user {kept.user_id} is disabled; `identra users show` tells why"


def _taken(kept: Kept, before: Sequence[Kept]) -> str:
    del before
    step = kept.last("decided")
    return f"the identity is linked to another user, {step.facts['user']}" if step else ""


def _closed(kept: Kept, before: Sequence[Kept]) -> str:
    del kept, before
    return 'nobody is known by it, and auth.sign_up is "closed"'


def _claimed(kept: Kept, before: Sequence[Kept]) -> str:
    del before
    step = kept.last("decided")
    user = step.facts.get("user", "") if step else ""
    return f"the address is that of user {user}" if user else ""


def _required(kept: Kept, before: Sequence[Kept]) -> str:
    del before
    return f"the password of user {kept.user_id} is right, and an operator asked for another"


def _unfit(kept: Kept, before: Sequence[Kept]) -> str:
    del before
    step = kept.last("plugin.denied")
    by = f", by the plugin {step.facts['plugin']}" if step else ""
    return f"what was sent is not acceptable: {kept.detail}{by}" if kept.detail else ""


def _limited(kept: Kept, before: Sequence[Kept]) -> str:
    del before
    where = f", with --peer {kept.peer}" if kept.peer else ""
    return f"the allowance {kept.detail} was spent; `identra limits show` tells for how long{where}"


_REASONS: Final[Mapping[str, Callable[[Kept, Sequence[Kept]], str]]] = {
    SUCCEEDED: _succeeded,
    LEFT: lambda kept, _: kept.detail,
    "INVALID_CODE": _code,
    "INVALID_STATE": _state,
    "INVALID_CREDENTIALS": _secret,
    "PROVIDER_REFUSED": _provider,
    "PROVIDER_UNAVAILABLE": _provider,
    "DENIED": _denied,
    "USER_DISABLED": _user,
    "IDENTITY_TAKEN": _taken,
    "RATE_LIMITED": _limited,
    "SIGN_UP_CLOSED": _closed,
    "EMAIL_TAKEN": _claimed,
    "PASSWORD_CHANGE_REQUIRED": _required,
    "INVALID_ARGUMENT": _unfit,
}
