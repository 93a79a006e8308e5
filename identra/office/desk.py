"""The desk at which operators are served: whom it is about, what is done, who is told of it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from identra import address
from identra.db import Duplicate
from identra.deadline import one_deadline
from identra.dossier import ALL
from identra.errors import EmailTaken, InvalidArgument, NotFound, StoreUnavailable
from identra.hashing import Asking
from identra.linking import Decision
from identra.mail.letters import Facts
from identra.office.acts import PASSWORD
from identra.users import Page

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from identra.acceptance import Acceptance
    from identra.db import Database
    from identra.dossier import Dossier
    from identra.events import Events
    from identra.hashing import Hashing
    from identra.loader import Providers
    from identra.locales import Locale
    from identra.notices import Notices
    from identra.office.acts import Acts, Proof
    from identra.users import Departures, Finding, User, Users
    from identra.ways import Ways

LONGEST_REASON: Final = 200
LONGEST_WHO: Final = 254

T = TypeVar("T")


class Office:
    """Find, make, mend, shut out and let in.

    `who` is a user id or an address, `by` who does it: the events tell her name. Each act holds the
    user's row from its start: who comes in meanwhile is judged after it, or came in before it. Each
    raises NotFound for a user who is not there, and StoreUnavailable. Letters follow the commit, in
    her language, to an address that she proved; `ways` tells what opens accounts here.
    """

    def __init__(  # noqa: PLR0913 - the rooms it walks through, each by name
        self,
        *,
        db: Database,
        providers: Providers,
        users: Users,
        finding: Finding,
        departures: Departures,
        dossier: Dossier,
        events: Events,
        acts: Acts,
        notices: Notices,
        hashing: Hashing,
        acceptance: Acceptance,
        ways: Callable[[], Ways],
    ) -> None:
        self._db = db
        self._providers = providers
        self._users = users
        self._finding = finding
        self._departures = departures
        self._dossier = dossier
        self._events = events
        self._acts = acts
        self._notices = notices
        self._hashing = hashing
        self._acceptance = acceptance
        self._ways = ways

    @one_deadline
    async def list(
        self, *, limit: int, after: str = "", email: str | None = None, prefix: str | None = None
    ) -> Page:
        """A page of users, of `limit` at most; `after` is the `next` of the page before.

        All, in the order of their ids, which is that of their making; or whoever has this `email`;
        or those with an address that begins with `prefix`, in the order of these. Raises
        InvalidArgument, also for both.
        """
        if email is not None and prefix is not None:
            raise InvalidArgument.of("prefix", "does not go with an e-mail address")
        if not after.isprintable():
            raise InvalidArgument.of("after", "is no place that a page told")
        if email is not None:
            return await self._at(address.spell(email))
        if prefix is None:
            return await self._finding.page(limit=limit, after=after)
        spelled = address.spell_beginning(prefix)
        if after and not after.startswith(spelled):  # from elsewhere, much would be read in vain
            raise InvalidArgument.of("after", "is no place that a page told")
        return await self._finding.beginning(spelled, limit=limit, after=after)

    @one_deadline
    async def show(self, who: str) -> User:
        """One user."""
        if not who.isprintable() or len(who) > LONGEST_WHO:
            raise NotFound("no user has such an id")
        user_id = await self._users.find(address.spell(who)) if "@" in who else who
        user = await self._users.user(user_id) if user_id else None
        if user is None:
            raise NotFound(f"no user {who}")
        return user

    @one_deadline
    async def leaves_at(self, user_id: str) -> int | None:
        """When a user will be gone, if she is about to (µs)."""
        return await self._departures.leaves_at(user_id)

    async def export(self, who: str, *, by: str) -> dict[str, Any]:
        """Everything that is held about a user."""
        user = await self.show(who)
        document = await self._dossier.of(user, most=ALL)
        await self._events.record("user.exported", user_id=user.user_id, by=by)
        return document

    @one_deadline
    async def create(self, email: str, password: str | None, *, proved: bool, by: str) -> str:
        """Make a user; her id. Raises EmailTaken, InvalidArgument."""
        spelled = address.spell(email)
        hashed = await self._hash(password, spelled) if password else None
        decision = Decision(prove=proved, claim=not proved)
        make = partial(self._acts.make, decision, spelled, hashed=hashed, by=by)
        return await self._once(make)

    @one_deadline
    async def invite(self, email: str, *, by: str, locale: Locale | None = None) -> str:
        """Make a user who claims an address, and write to it; her id. It may be done again.

        The letter holds no code: whoever proves the address, by a code that she asks for or by a
        provider that vouches for it, comes into this account, also where nobody may sign up. Raises
        InvalidArgument, and EmailTaken for an address that is proved, or was claimed by somebody
        who was in her account already, or could be.
        """
        spelled = address.spell(email)
        invite = partial(self._acts.invite, spelled, by=by, locale=locale)
        user_id = await self._once(invite)
        await self._notices.tell("invitation", user_id, to=spelled)
        return user_id

    @one_deadline
    async def prove(self, who: str, email: str, *, by: str, keep: bool = False) -> Proof | None:
        """Have an address be a user's, and proved; None where it is already.

        Of one who had nothing proved, password and sessions end, as when she proves it herself:
        whoever claimed the address may be somebody else. They stay where they are known to be hers
        (`keep`). Raises EmailTaken for another's proved address, InvalidArgument.
        """
        spelled = address.spell(email)
        user_id = (await self.show(who)).user_id
        prove = partial(self._acts.prove, user_id, spelled, by=by, keep=keep)
        proof = await self._once(prove)
        if not proof.decision.prove:
            return None
        await self._tell_proof(proof, spelled)
        return proof

    @one_deadline
    async def unlink(self, who: str, provider: str, *, by: str) -> None:
        """Remove a user's identities at a provider, and tell her.

        Raises NotFound where she has none there, and LastLoginMethod where nothing else would let
        her in: prove an address of hers first, or disable her.
        """
        unlink = partial(self._acts.unlink, provider=provider, by=by, ways=self._ways())
        user = await self._act(who, unlink)
        await self._notices.tell("identity_unlinked", user.user_id, Facts(provider=provider))

    @one_deadline
    async def disable(self, who: str, reason: str, *, by: str) -> bool:
        """Shut a user out, end her sessions and tell her, but never why; whether she was in.

        Raises InvalidArgument for a reason of more than a line.
        """
        if len(reason) > LONGEST_REASON or not reason.isprintable():
            says = f"is not one line of up to {LONGEST_REASON} characters"
            raise InvalidArgument.of("reason", says)
        user = await self._act(who, partial(self._acts.shut_out, reason=reason, by=by))
        if not user.disabled:
            await self._notices.tell("account_disabled", user.user_id)
        return not user.disabled

    @one_deadline
    async def enable(self, who: str, *, by: str) -> bool:
        """Let a user in again, be she about to leave; whether she was out."""
        return await self._act(who, partial(self._acts.let_in, by=by))

    async def delete(self, who: str, *, now: bool, by: str) -> int | None:
        """Have a user leave, with the time of grace or `now`, and tell her; when she is gone (µs).

        None for a user who is gone. One who is about to leave leaves no later for it.
        """
        leaving = await self._act(who, partial(self._acts.have_leave, now=now, by=by))
        user = leaving.user
        if now:
            if await self._departures.remove(user.user_id, by=by):
                await self._notices.tell_gone("account_deleted", user)
            elif await self._users.user(user.user_id):  # let in again meanwhile
                raise StoreUnavailable("overtaken", retry_after=1)
            return None
        if not leaving.asked:
            facts = Facts(until=leaving.leaves_at)
            await self._notices.tell("deletion_asked", user.user_id, facts)
        return leaving.leaves_at

    @one_deadline
    async def require_password(self, who: str, *, by: str) -> bool:
        """Have a user set another password before the one she has opens anything again; tell her.

        False where she has none. Her sessions go on.
        """
        user = await self._act(who, partial(self._acts.require_password, by=by))
        required = PASSWORD in user.secrets
        if required:
            await self._notices.tell("password_required", user.user_id)
        return required

    @one_deadline
    async def revoke_sessions(self, who: str, *, by: str) -> int:
        """End all sessions of a user; how many there were."""
        return await self._act(who, partial(self._acts.end_sessions, by=by))

    async def _at(self, spelled: str) -> Page:
        user_id = await self._users.find(spelled)
        user = await self._users.user(user_id) if user_id else None
        return Page((user,) if user else (), "")

    @one_deadline
    async def _act(self, who: str, act: Callable[[str], Awaitable[T]]) -> T:
        """Do something to a user, in one transaction."""
        user_id = (await self.show(who)).user_id
        return await self._db.transact(partial(act, user_id))

    async def _once(self, act: Callable[[], Awaitable[T]]) -> T:
        """Do something by which an address may become somebody's, in one transaction."""
        try:
            return await self._db.transact(act)
        except Duplicate as taken:
            raise EmailTaken("an act of operators") from taken

    async def _hash(self, password: str, spelled: str) -> str:
        place = self._providers.secret(PASSWORD)
        chosen = await self._acceptance.demand(place, password, spelled)
        return await self._hashing.hash(chosen, Asking())

    async def _tell_proof(self, proof: Proof, spelled: str) -> None:
        """Word to her other address, to whoever loses the claim, and of a password that is gone."""
        user, loser = proof.user, proof.decision.unclaim
        if user.proved and user.address:
            await self._notices.tell("address_added", user.user_id, to=user.address.email)
        if loser:
            await self._notices.tell("address_lost", loser)
        if proof.locked_out and user.secrets:
            await self._notices.tell("password_required", user.user_id, to=spelled)
