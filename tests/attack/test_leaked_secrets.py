"""The attacker reads a log, a copy of the database or of Redis, an error, a list of processes;
none of them may hold a secret that was given or issued, nor anything that it could be read from.
"""

from __future__ import annotations

import base64
import json
import re
from collections import Counter
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote

import httpx
import running
import servers
from callers import ASKED, CLIENT, PATIENCE, Caller, access, reason, refresh, section_of, tokens
from clerks import LET_IN, Clerk
from homes import write_settings
from piccolo.querystring import QueryString
from postbox import Postbox, open_postbox
from pydantic import SecretStr
from redis.asyncio import Redis as RedisClient
from scraping import address_of
from standin.faults import Instead
from standin.github import Email, GitHub, Person
from standin.receiver import SECRET
from standin.sites import Site, open_site

from identra.adminkeys import SCOPES
from identra.app import build, opened_database
from identra.http import admin
from identra.secret import pkce_challenge, token
from identra.settings import load

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from homes import Sections

    from identra.settings import Persistence, Redis

ADA, BOB = "ada@example.com", "bob@example.com"
MAILER = ("mailer@example.com", "the mail server's password")
DATABASE_PASSWORD = "the database's password"
REDIS_PASSWORD = "the-password-of-redis"
ISSUED_AT_GITHUB = "/login/oauth/access_token"
NOBODY = "http://127.0.0.1:1/"
"""What is told there waits in the database, to be read by the attacker."""
SHORT = 16
"""Under this length other spellings of a secret could stand somewhere by chance."""


@dataclass
class Journey:
    """One visitor, everything secret that she gave or got, and every answer she was given."""

    who: Caller
    box: Postbox
    github: GitHub
    secrets: dict[str, str] = field(default_factory=dict)
    read: Counter[str] = field(default_factory=Counter)

    def know(self, name: str, value: str) -> str:
        self.secrets[f"{name} {len(self.secrets)}"] = value
        return value

    def know_pair(self, answer: httpx.Response) -> dict[str, Any]:
        pair = tokens(answer)
        self.know("access token", access(pair))
        self.know("refresh token", refresh(pair))
        return pair

    async def code(self, email: str) -> str:
        """The code of the next letter to this address that holds one."""
        found = None
        while found is None:
            self.read[email] += 1
            letter = await self.box.wait_for(email, count=self.read[email])
            found = re.search(r"\b[0-9]{10}\b", letter.text)
        return self.know("code", found[0])

    async def walk(self) -> None:
        await self._passwords()
        pair = await self._codes()
        await self._github(pair)
        await self._blunders(pair)
        await self._left_open(pair)

    async def _passwords(self) -> None:
        first, second, wrong = (
            self.know("password", f"{word} horse battery staple")
            for word in ("correct", "another", "mistaken")
        )
        await self.who.register(ADA, first)
        code = await self.code(ADA)
        assert reason(await self.who.confirm(ADA, code[::-1] + "0", wrong)) == "INVALID_CODE"
        pair = self.know_pair(await self.who.confirm(ADA, code, second))
        assert reason(await self.who.confirm(ADA, code, second)) == "INVALID_CODE"
        assert reason(await self.who.log_in(ADA, wrong)) == "INVALID_CREDENTIALS"
        second = await self._new_passwords(second)
        pair = self.know_pair(await self.who.log_in(ADA, second))
        key = {"Idempotency-Key": self.know("idempotency key", token())}
        pair = self.know_pair(await self.who.refresh(refresh(pair), **key))
        await self.who.say("/token/revoke", {"refresh_token": refresh(pair)})
        assert reason(await self.who.refresh(refresh(pair))) == "INVALID_REFRESH_TOKEN"
        assert reason(await self.who.info(access(pair))) == "INVALID_TOKEN"

    async def _new_passwords(self, former: str) -> str:
        """Another by a mailed code, and another by the one that it was; the last of them."""
        pair = self.know_pair(await self.who.log_in(ADA, former))
        reset, changed = (
            self.know("password", f"{word} horse battery staple") for word in ("renewed", "changed")
        )
        await self.who.say("/password/reset", {"email": ADA})
        body = {"email": ADA, "code": await self.code(ADA), "password": reset}
        pair = self.know_pair(await self.who.say("/password/reset/confirm", body))
        said = {"password": changed, "current_password": reset}
        assert reason(await self.who.say("/me/password", said, bearer=access(pair))) == "200"
        await self.who.say("/me/addresses", {"email": f"work-{ADA}"}, bearer=access(pair))
        code = await self.code(f"work-{ADA}")
        further = {"email": f"work-{ADA}", "code": code}
        await self.who.say("/me/addresses/confirm", further, bearer=access(pair))
        assert reason(await self.who.ask("/me/export", bearer=access(pair))) == "200"
        return changed

    async def _codes(self) -> dict[str, Any]:
        await self.who.say("/email/code", {"email": BOB, "use_html": True})
        pair = self.know_pair(await self.who.answer(BOB, await self.code(BOB)))
        await self.who.say("/me/login-info", {"access_token": access(pair)})
        return pair

    async def _back(self, bearer: str | None = None) -> dict[str, str]:
        """A trip to GitHub with a verifier of the client's own."""
        verifier = self.know("client's verifier", token())
        bound = {"code_challenge": pkce_challenge(verifier), "code_challenge_method": "S256"}
        prompt = await self.who.ask("/oauth/url", bearer=bearer, provider="github", **bound)
        self.know("state", prompt.json()["state"])
        back = self.github.approve(prompt.json()["url"])
        self.know("code of GitHub", back["code"])
        return back | {"code_verifier": verifier}

    async def _github(self, pair: dict[str, Any]) -> None:
        self.github.welcome(Person(7, "ada", (Email(ADA),)))
        self.know_pair(await self.who.say("/oauth/login", await self._back()))
        back = await self._back(access(pair))
        other = back | {"code_verifier": self.know("verifier", token())}
        assert reason(await self.who.say("/oauth/bind", other, bearer=access(pair))) != "200"
        self.github.welcome(Person(8, "bob", ()))
        back = await self._back(access(pair))
        self.know_pair(await self.who.say("/oauth/bind", back, bearer=access(pair)))
        await self._echoes()

    async def _echoes(self) -> None:
        """A provider that says back what it was sent, wherever an error may stand."""
        for status in (200, 400):
            for name in ("code", "state", "code_verifier", "client_secret"):
                back = await self._back()
                said = {**back, "client_secret": self.github.client_secret}[name]
                echo = {"error": said, "error_description": said, "error_uri": said}
                self.github.faults[ISSUED_AT_GITHUB] = Instead(
                    status, body=json.dumps(echo).encode()
                )
                assert reason(await self.who.say("/oauth/login", back)) == "PROVIDER_REFUSED"
        self.github.faults.clear()

    async def _blunders(self, pair: dict[str, Any]) -> None:
        """Secrets where none belong."""
        secret = self.know("secret", token())
        http, who = self.who.http, self.who
        for given in (secret, access(pair), refresh(pair)):
            for body in (
                {"refresh_token": [given]},
                {"email": given, "password": given},
                {"email": ADA, "password": {"is": given}},
                {"access_token": {"is": given}},
                {"code": given, "state": given, "code_verifier": given, "iss": given},
                [given],
            ):
                for path in ("/token/refresh", "/password/login", "/me/login-info", "/oauth/login"):
                    await who.say(path, body)
            await who.info(given[:-2])
            await who.end(f"/me/sessions/{given}", bearer=access(pair))
            await who.introspect(given, (CLIENT[0], self.know("client's secret", CLIENT[1])))
            await who.introspect(given, (given, given), token_type_hint=given)
            await who.info(f"{given}.{given}.{given}")
            await who.ask("/oauth/url", provider=given)
            await who.ask("/oauth/url", provider="github", redirect_url=f"https://x/?t={given}")
            await who.ask("/oauth/url", provider="github", code_challenge=given)
            await who.ask(f"/nowhere/{given}", access_token=given)
            await who.ask("/healthz", access_token=given)
            await http.request("BREW", f"/healthz?{given}")
            for kind in ("application/json", "text/plain"):
                headers = {"Content-Type": kind, "X-Forwarded-For": who.network}
                await http.post(
                    "/password/login", content=f'{{"password":"{given}', headers=headers
                )
            basic = base64.b64encode(f"ada:{given}".encode()).decode()
            await who.say("/me/login-info", {}, Authorization=f"Basic {basic}")
            await who.say("/me/login-info", {"access_token": given}, Authorization="Bearer other")
            await who.say("/me/login-info", {}, Cookie=f"session={given}")

    async def _left_open(self, pair: dict[str, Any]) -> None:
        """A code and a state that still live when the attacker reads."""
        await self.who.ask_code(ADA)
        await self.code(ADA)
        await self._back()
        await self._back(access(pair))


@dataclass(frozen=True)
class Place:
    """A service that is to be searched, and where its things are."""

    file: Path
    service: running.Running
    metrics: str
    redis: Redis | None


@contextmanager
def _redis(kind: str) -> Iterator[Redis | None]:
    if kind == "sqlite":
        yield None
        return
    with servers.redis("--requirepass", REDIS_PASSWORD) as store:
        yield store.model_copy(update={"password": SecretStr(REDIS_PASSWORD)})


def _sections(box: Postbox, github: GitHub, site: Site, redis: Redis | None) -> Sections:
    there = {"base_url": site.base_url, "api_url": site.api_url}
    sections: Sections = {
        "": {"http_port": 0},
        "codes": {"digits": 10},
        "http": {"trusted_proxies": ["127.0.0.1/32"]},
        "keys": {"algorithm": "ES256"},
        "metrics": {"port": 0},
        **ASKED,
        **LET_IN,
        "smtp_mailer": {
            "host": "127.0.0.1",
            "port": box.port,
            "username": MAILER[0],
            "password": MAILER[1],
            "from": MAILER[0],
            "tls": "none",
        },
        "providers.github": section_of(github, **there),
        "webhooks.app": {"url": NOBODY, "secrets": [SECRET], "allow_private": True},
    }
    if redis:
        sections["redis"] = {"urls": list(redis.urls), "password": REDIS_PASSWORD}
    return sections


async def _with_password(place: Persistence) -> Persistence:
    """The database by a password; PostgreSQL trusts whoever comes here, MariaDB looks at it."""
    given: dict[str, Any] = {"password": SecretStr(DATABASE_PASSWORD)}
    if place.driver == "mysql":
        spelled = DATABASE_PASSWORD.replace("'", "''")
        await servers.tell(place, f"CREATE OR REPLACE USER town IDENTIFIED BY '{spelled}'")
        await servers.tell(place, f"GRANT ALL ON {place.name}.* TO town")
        given["user"] = "town"
    return place.model_copy(update=given)


@asynccontextmanager
async def _town(
    folder: Path, place: Persistence
) -> AsyncIterator[tuple[Place, Journey, list[httpx.Response]]]:
    """A service as in production, its neighbours, and a visitor at the door."""
    if place.driver != "sqlite":
        place = await _with_password(place)
    github, answers = GitHub(), list[httpx.Response]()

    async def keep(response: httpx.Response) -> None:
        await response.aread()
        answers.append(response)

    with _redis(place.driver) as redis, open_site(github) as site:
        async with open_postbox(login=MAILER) as box:
            sections = _sections(box, github, site, redis)
            file = write_settings(folder, place, sections=sections)
            if place.driver != "sqlite":
                running.command(file, "keys", "init")
            with running.started(file) as service:
                metrics = address_of(service)
                async with httpx.AsyncClient(
                    base_url=service.url, timeout=PATIENCE, event_hooks={"response": [keep]}
                ) as http:
                    journey = Journey(Caller(http, "203.0.113.1"), box, github)
                    yield Place(file, service, metrics, redis), journey, answers


async def _operators(journey: Journey, file: Path) -> None:
    """A program does all that there is, and says its key where none belongs; it is taken back."""
    every = [word for scope in SCOPES for word in ("--scope", scope)]
    key = running.command(file, "admin-keys", "create", "ci", *every).strip()
    clerk = Clerk(journey.who, journey.know("admin key", key))
    journey.know("admin key's secret", key.rpartition("_")[2])
    for operation in admin.OPERATIONS:
        await clerk.call(operation, key)
    await clerk.caller.ask(f"/admin/users/{key}", bearer=key[:-1], key=key)
    for name in ("email", "prefix", "after", "limit"):
        await clerk.ask("/admin/users", **{name: key})
    for name in ("name", "user_id", "after", "since"):
        await clerk.ask("/admin/events", **{name: key})
    for said in (key, f"{key}:x", f"x:{key}", f"{key}@example.com"):
        await clerk.ask("/admin/limits", who=said, peer=said)
        await clerk.say("/admin/limits/release", {"who": said, "peer": key})
    for body in ({"email": key, "password": key}, {"email": f"{ADA}{key}"}, {key: 1}):
        await clerk.say("/admin/users", body)
        await clerk.say("/admin/invitations", body)
    assert await clerk.say("/admin/users", {"email": ADA}) == "EMAIL_TAKEN"
    running.command(file, "admin-keys", "revoke", "ci")
    assert await clerk.ask("/admin/users") == "INVALID_TOKEN"


def _commands(journey: Journey, file: Path) -> str:
    """What an operator is shown."""
    journey.know("webhook's secret", SECRET)
    password = journey.know("password", "battery staple of an operator")
    said = running.command(
        file, "users", "create", "cai@example.com", "--password-stdin", said=password
    )
    shown = (
        ("users", "list", "--json"),
        ("users", "show", ADA, "--json"),
        ("users", "export", ADA),
        ("keys", "list", "--json"),
        ("admin-keys", "list", "--json"),
        ("config", "show"),
        ("config", "show", "--json"),
        ("webhooks", "list", "--json"),
        ("webhooks", "show", "app", "--json"),
    )
    return said + "".join(running.command(file, *words) for words in shown)


async def _house_secrets(file: Path) -> dict[str, str]:
    """What the house keeps from everybody: master key, private key, the secret of the ring."""
    loaded = load(file, {})
    app = await build(loaded)
    secret = app.keys.current_secret().value
    private = app.keys.signer().jwk.export_private(as_dict=True)["d"]
    await app.close()
    return {
        "master key": loaded.tree.keys.master_key_files[0].read_text().strip(),
        "private key": private,
        "secret of the ring": base64.urlsafe_b64encode(secret).decode().rstrip("="),
        "secret of the ring, hex": secret.hex(),
    }


def _sent_to_github(github: GitHub) -> dict[str, str]:
    """What went between the house and GitHub."""
    forms = [parse_qs(r.content.decode()) for r in github.asked if r.method == "POST"]
    sent = {f"verifier to GitHub {n}": form["code_verifier"][0] for n, form in enumerate(forms)}
    return sent | {f"token of GitHub {n}": name for n, name in enumerate(github._tokens)}


async def _database(file: Path) -> str:
    """Every row of every table, as a reader of the database sees it."""
    async with opened_database(load(file, {})) as db:
        found = [await db.fetch(t.select()) for t in db.tables.every()]
        if db.dialect == "postgres":
            found.append(await db.fetch(QueryString("SELECT query FROM pg_stat_activity")))
    return json.dumps(found, default=str, ensure_ascii=False)


def _files(folder: Path) -> str:
    """The database's files as they lie there, freed pages too."""
    return "".join(file.read_bytes().decode("latin1") for file in folder.glob("identra.db*"))


async def _keyspace(redis: Redis) -> str:
    host, _, port = redis.urls[0].partition(":")
    client = RedisClient(host=host, port=int(port), password=REDIS_PASSWORD, decode_responses=True)
    kept = {key: await client.get(key) async for key in client.scan_iter()}
    await client.aclose()
    return json.dumps(kept)


def _processes(service: running.Running) -> str:
    """Arguments and environment of the service and its workers."""
    parent = service.process.pid
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    shown = [
        _shown(Path(f"/proc/{pid}/{file}"))
        for pid in (str(parent), *children)
        for file in ("cmdline", "environ")
    ]
    return b"".join(shown).decode("latin1")


def _shown(file: Path) -> bytes:
    """What the system tells of a process; its environment is root's alone to read."""
    try:
        return file.read_bytes()
    except PermissionError:
        return b""


async def _read(url: str) -> str:
    async with httpx.AsyncClient() as http:
        return (await http.get(url)).text


def _spellings(secret: str) -> set[str]:
    """The secret as it may stand in JSON, a URL, base64 or hex."""
    if len(secret) < SHORT:
        return {secret}
    raw = secret.encode()
    in_base64 = base64.b64encode(raw).decode().rstrip("=")[:-1]
    return {
        *(secret, quote(secret), quote(secret, safe=""), json.dumps(secret)[1:-1]),
        *(in_base64, in_base64.replace("+", "-").replace("/", "_"), raw.hex()),
    }


def _found(secrets: dict[str, str], where: dict[str, str]) -> list[str]:
    """Which secret stands where. It is named, never shown."""
    return [
        f"{name} in {place}"
        for place, text in where.items()
        for name, secret in secrets.items()
        if any(spelled in text for spelled in _spellings(secret))
    ]


def _head(response: httpx.Response) -> str:
    return "".join(f"{name}: {value}\n" for name, value in response.headers.items())


def _given(secrets: dict[str, str]) -> dict[str, str]:
    """Those that no answer ever repeats, since they were not its to give."""
    issued = ("access token", "refresh token", "state")
    return {name: value for name, value in secrets.items() if not name.startswith(issued)}


async def test_a_journey_leaves_no_secret_behind(tmp_path: Path, persistence: Persistence) -> None:
    async with _town(tmp_path, persistence) as (place, journey, answers):
        await journey.walk()
        await _operators(journey, place.file)
        told = _commands(journey, place.file)
        house = await _house_secrets(place.file)
        secrets = journey.secrets | house | _sent_to_github(journey.github)
        secrets |= {
            "client_secret": journey.github.client_secret,
            "smtp password": MAILER[1],
            "database password": DATABASE_PASSWORD,
            "redis password": REDIS_PASSWORD,
        }
        errors = [answer for answer in answers if answer.is_error]
        places = {
            "errors": "".join(_head(error) + error.text for error in errors),
            "what commands print": told,
            "the database": await _database(place.file),
            "the database's files": _files(tmp_path),
            "the list of processes": _processes(place.service),
            "the metrics": await _read(place.metrics),
            "Redis": await _keyspace(place.redis) if place.redis else "",
        }
        assert place.service.stop() == 0
    places["the log"] = place.service.log.read_text()
    assert ADA not in places["the log"]
    assert ADA not in places["the metrics"]
    letters = "".join(letter.raw.decode() for letter in journey.box.received)
    fine = "".join(_head(answer) + answer.text for answer in answers if answer.is_success)
    mailed = {name: value for name, value in secrets.items() if not name.startswith("code ")}
    _demand_full(places, len(errors), place.redis is not None)
    assert _found(secrets, places) == []
    assert _found(_given(secrets), {"other answers": fine}) == []
    assert _found(mailed, {"letters": letters}) == []


def _demand_full(places: dict[str, str], errors: int, with_redis: bool) -> None:
    """The search was made where something lies: each place holds what it must."""
    assert errors > 50
    assert "INVALID_REFRESH_TOKEN" in places["errors"]
    assert ADA in places["the database"]
    assert "identra" in places["the list of processes"]
    assert 'reason="INVALID_REFRESH_TOKEN"' in places["the metrics"]
    assert ADA in places["what commands print"]
    if with_redis:
        assert "identra:oauth:" in places["Redis"]
        assert "identra:code:" in places["Redis"]
    else:
        assert ADA in places["the database's files"]
    lines = [json.loads(line) for line in places["the log"].splitlines()]
    reasons = {line.get("reason") for line in lines}
    assert {"INVALID_CODE", "INVALID_TOKEN", "PROVIDER_REFUSED", "INVALID_ARGUMENT"} <= reasons


def test_the_search_finds_what_is_there() -> None:
    secret = "correct horse/battery+staple?"
    for kind in _ways(secret):
        assert _found({"it": secret}, {"here": f"x{kind}y"}) == ["it in here"]
    assert _found({"it": secret}, {"here": "nothing"}) == []


def _ways(secret: str) -> list[str]:
    raw = secret.encode()
    return [
        secret,
        quote(secret, safe=""),
        base64.b64encode(raw).decode(),
        base64.urlsafe_b64encode(raw).decode(),
        raw.hex(),
        json.dumps(secret),
    ]
