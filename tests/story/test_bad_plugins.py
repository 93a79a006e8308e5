"""A plugin that is not in order is refused by name, and told apart from the service."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from homes import write_settings
from installing import installed
from running import command, door

from identra.loader import PluginError, Providers, load_for, opening
from identra.loader.folder import objection
from identra.settings import Persistence, SettingsError, load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from homes import Sections

PROJECT = """
[project]
name = "identra-{name}"
version = "1.0"
[project.entry-points.identra]
{name} = "identra_{name}"
"""
HEAD = """
from identra.plugin import *
from identra.plugin import hookimpl
"""
ACME = """
class Acme(OAuth2Provider):
    name, contract = "acme", 1
    email_trust = EmailTrust.never
    authorize_url, token_url = "https://acme.example/a", "https://acme.example/t"
    hosts = ("acme.example",)

@hookimpl
def providers():
    return [Acme]
"""
RIGHT = HEAD + ACME
TYPED = """
from dataclasses import dataclass
from pydantic import SecretStr

@dataclass
class Kept:
    name: str

class Own(HookSettings):
    key: SecretStr = SecretStr("")

@hookimpl
def section():
    return Own

@hookimpl
async def observe(fact):
    Kept(fact.name)
"""
WRONG: dict[str, tuple[str, str]] = {
    "can't be imported": ("import nothing_of_that_name\n", "ModuleNotFoundError"),
    "raises": ("raise RuntimeError('no')\n", "RuntimeError: no"),
    "ends the process": ("raise SystemExit(3)\n", "SystemExit"),
    "newer": (RIGHT.replace('"acme", 1', '"acme", 2'), "speaks contract 2, this Identra 1"),
    "older": (RIGHT.replace('"acme", 1', '"acme", 0'), "speaks contract 0, this Identra 1"),
    "true": (RIGHT.replace('"acme", 1', '"acme", True'), "speaks contract True"),
    "no contract": (HEAD + "@hookimpl\nasync def observe(fact): ...\n", "speaks contract None"),
    "no trust": (RIGHT.replace("    email_trust = EmailTrust.never\n", ""), "email_trust is not"),
    "reserved": (RIGHT.replace('"acme"', '"oauth"'), "the name 'oauth' is reserved"),
    "no name": (RIGHT.replace('"acme"', '"ACME!"'), "'ACME!' is not a provider name"),
    "taken": (RIGHT.replace('"acme"', '"email"'), "provider email: brought by"),
    "no kind": (HEAD + "@hookimpl\ndef providers(): return [int]\n", "no subclass of a kind"),
    "an unknown hook": (RIGHT + "@hookimpl\nasync def open(door): ...\n", "unknown hook 'open'"),
    "unknown arguments": (
        RIGHT + "@hookimpl\nasync def admit(arrival, request): ...\n",
        "hook 'admit'",
    ),
    "not async": (RIGHT + "@hookimpl\ndef admit(arrival): ...\n", "admit: must be async def"),
    "async at start": (
        HEAD + "@hookimpl\nasync def providers(): return []\n",
        "providers: must be a plain function",
    ),
    "a wrapper": (
        RIGHT + "@hookimpl(wrapper=True)\ndef admit(arrival):\n    return (yield)\n",
        "no hook wraps another",
    ),
    "no section": (RIGHT + "@hookimpl\ndef section(): return dict\n", "no subclass of Hook"),
    "no settings": (
        RIGHT.replace("    hosts", "    settings_model = dict\n    hosts"),
        "settings_model is none of ours",
    ),
    "a trust of its own": (
        RIGHT.replace("    hosts", "    trust = EmailTrust.always\n    hosts"),
        "trust is set by the kind",
    ),
    "no demands": (
        RIGHT.replace("    hosts", "    def demand_sound(self): pass\n    hosts"),
        "demand_sound is set by the kind",
    ),
    "hosts of a hook that are none": (
        RIGHT + "class S(HookSettings):\n    hosts = 7\n" + "@hookimpl\ndef section(): return S\n",
        "is a tuple of names",
    ),
    "no host": (RIGHT.replace('hosts = ("acme.example",)', "hosts = ()"), "not among hosts"),
    "a host that can't be": (
        RIGHT.replace('hosts = ("acme.example",)', 'hosts = ("acme.example", "a b:c")'),
        "is no host",
    ),
    "a hook's host that can't be": (
        RIGHT
        + "class S(HookSettings):\n    hosts = ('a b:c',)\n"
        + "@hookimpl\ndef section(): return S\n",
        "is no host",
    ),
    "a host that is none": (RIGHT.replace('("acme.example",)', '"acme.example"'), "is a tuple"),
}


@contextmanager
def service_with(folder: Path, sections: Sections, **sources: str) -> Iterator[Path]:
    """A settings file beside these plugins, installed one by one."""
    place = Persistence(driver="sqlite", name=str(folder / "identra.db"))
    file = write_settings(folder, place, sections=sections)
    with _all_installed(folder, list(sources.items())):
        yield file


@contextmanager
def _all_installed(folder: Path, standing: list[tuple[str, str]]) -> Iterator[None]:
    if not standing:
        yield
        return
    (name, source), *rest = standing
    own = folder / name
    own.mkdir()
    here = installed(own, PROJECT.format(name=name), {f"identra_{name}": source})
    with here, _all_installed(folder, rest):
        yield


def opened(file: Path) -> Providers:
    return load_for(load(file, {}))


@pytest.mark.parametrize("case", WRONG)
def test_what_is_not_in_order_is_left_out_by_name_and_stops_the_start_if_required(
    tmp_path: Path, case: str
) -> None:
    source, says = WRONG[case]
    enabled: dict[str, Any] = {"enabled": ["acme"]}
    with service_with(tmp_path, {"plugins": enabled}, acme=source) as file:
        providers = opened(file)
        assert set(providers.on) == {"email", "password"}
        (failure,) = providers.failures
        assert failure.name == "acme"
        assert says in failure.says
        assert "acme" in failure.says or "email" in failure.says
        place = Persistence(driver="sqlite", name=str(tmp_path / "identra.db"))
        required = {"plugins": enabled | {"required": ["acme"]}}
        write_settings(tmp_path, place, sections=required)
        with pytest.raises(PluginError, match=r"acme|email"):
            opened(file)


FOR_EVER = """def __init__(self, settings):
        while True:
            try: sleep(3600)
            except Exception: pass"""
BROKEN = {
    "forgets its settings": ("def __init__(self, settings): pass", "no attribute 'settings'"),
    "ends as it is made": ("def __init__(self, settings): raise SystemExit(3)", "SystemExit: 3"),
    "blocks as it is made": ("def __init__(self, settings): sleep(3600)", "took longer than"),
    "blocks when it is asked": ("def missing(self): sleep(3600)", "took longer than"),
    "tries for ever": (FOR_EVER, "took longer than"),
    "has no issuer": ("issuer = None", "its issuer is no URL"),
    "fixes the state": (
        'authorize_url = "https://acme.example/a?for=identra&%73tate=1"',
        "the authorization endpoint says state, which is the core's",
    ),
    "says the state to be empty": ('authorize_url = "https://acme.example/a?state"', "says state"),
    "has odd parameters": ("authorize_parameters = 7", "AttributeError"),
    "has parameters of another type": ("authorize_parameters = {'a': 1}", "are no texts"),
    "has one scope for many": ("scopes = 'user'", "scopes are no texts"),
    "has another client_auth": ("client_auth = 'none'", "client_auth is post or basic"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_provider_that_can_not_be_had_is_left_out_by_name(
    tmp_path: Path, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "START_LIMIT", 0.2)
    body, says = BROKEN[case]
    source = f"from time import sleep\n{RIGHT}".replace("    hosts", f"    {body}\n    hosts")
    with service_with(tmp_path, {"plugins": {"enabled": ["acme"]}}, acme=source) as file:
        providers = opened(file)
        assert set(providers.on) == {"email", "password"}
        (failure,) = providers.failures
        assert failure.says.startswith("providers.acme: ")
        assert says in failure.says


SPEAKING = {
    "at length": ("raise ValueError('x' * 1_000_000)", "plugin bad: ValueError: xxx"),
    "in lines": ("raise ValueError('no\\nidentra: all is well')", "ValueError: no identra: all"),
    "no text": ("raise ValueError('no\\x1b[2J\\x00\\ud800')", "ValueError: no[2J"),
    "in words that fail": (
        "class Odd(Exception):\n    def __str__(self): return self.response.text\nraise Odd",
        "plugin bad: Odd",
    ),
}


@pytest.mark.parametrize("case", SPEAKING)
def test_whatever_words_a_plugin_fails_with_are_one_line_that_can_be_shown(
    tmp_path: Path, case: str
) -> None:
    source, says = SPEAKING[case]
    with service_with(tmp_path, {"plugins": {"enabled": ["bad"]}}, bad=source) as file:
        (failure,) = opened(file).failures
        assert says in failure.says
        assert failure.says.isprintable()
        assert len(failure.says) <= 1000


KEYS = """
from pydantic import SecretStr

class Keys(OAuth2Settings):
    keys: tuple[SecretStr, ...] = ()
    by: dict[str, SecretStr] = {}
"""
TELLING = """
    settings_model = Keys

    def __init__(self, settings):
        told = [*settings.keys, *settings.by.values()]
        raise ValueError(" ".join(key.get_secret_value() for key in told))
"""


def test_no_secret_of_a_section_is_told_however_deep_it_stands(tmp_path: Path) -> None:
    """A plugin that fails repeats what it was told."""
    source = RIGHT.replace("class Acme", f"{KEYS}\nclass Acme").replace(
        "    hosts", f"{TELLING}\n    hosts"
    )
    keys = {"keys": ["a-first-secret", "a-first-secret-and-more"], "by": {"eu": "another-secret"}}
    sections: Sections = {"plugins": {"enabled": ["acme"]}, "providers.acme": keys}
    with service_with(tmp_path, sections, acme=source) as file:
        (failure,) = opened(file).failures
        assert failure.says == "providers.acme: ValueError: ******** ******** ********"


def test_a_model_of_hooks_that_raises_leaves_its_plugin_out(tmp_path: Path) -> None:
    raising = "@model_validator(mode='after')\n    def odd(self): raise SystemExit(3)\n"
    model = f"class S(HookSettings):\n    {raising}@hookimpl\ndef section(): return S\n"
    source = f"from pydantic import model_validator\n{RIGHT}{model}"
    with service_with(tmp_path, {"plugins": {"enabled": ["acme"]}}, acme=source) as file:
        (failure,) = opened(file).failures
        assert failure.says == "hooks.acme: SystemExit"


def test_settings_that_a_plugins_model_refuses_leave_it_out_and_first_party_ones_stop(
    tmp_path: Path,
) -> None:
    sections: Sections = {"plugins": {"enabled": ["acme"]}, "providers.acme": {"colour": "red"}}
    with service_with(tmp_path, sections, acme=RIGHT) as file:
        (failure,) = opened(file).failures
        assert "providers.acme.colour" in failure.says
        place = Persistence(driver="sqlite", name=str(tmp_path / "identra.db"))
        for name in ("email", "github"):
            write_settings(tmp_path, place, sections={f"providers.{name}": {"colour": "red"}})
            with pytest.raises(SettingsError, match=f"providers.{name}.colour"):
                opened(file)


def test_two_plugins_with_a_provider_of_one_name_are_both_left_out(tmp_path: Path) -> None:
    sections: Sections = {"plugins": {"enabled": ["one", "two"]}}
    with service_with(tmp_path, sections, one=RIGHT, two=RIGHT) as file:
        providers = opened(file)
        assert set(providers.on) == {"email", "password"}
        says = "provider acme: brought by identra_one and identra_two"
        assert [(f.name, f.says) for f in providers.failures] == [("one", says), ("two", says)]


def test_a_section_of_a_plugin_that_failed_does_not_stop_the_start(tmp_path: Path) -> None:
    """It can't be known what the plugin would have brought."""
    sections: Sections = {"plugins": {"enabled": ["acme"]}, "providers.acme_eu": {"x": 1}}
    with service_with(tmp_path, sections, acme="raise RuntimeError\n") as file:
        assert {f.name for f in opened(file).failures} == {"acme", "acme_eu"}


@pytest.mark.parametrize(
    ("sections", "says"),
    [
        ({"providers.acme": {}}, "name it in plugins.enabled"),
        ({"hooks.acme": {}}, "name it in plugins.enabled"),
        ({"plugins": {"enabled": ["nothing"]}}, "no plugin 'nothing' is installed"),
        ({"plugins": {"required": ["acme"]}}, "no plugin 'acme' is on"),
    ],
)
def test_what_the_operator_wrote_wrongly_stops_the_start_with_advice(
    tmp_path: Path, sections: Sections, says: str
) -> None:
    beside = service_with(tmp_path, sections, acme=RIGHT)
    with beside as file, pytest.raises(PluginError, match=says):
        opened(file)


async def test_the_service_starts_without_a_bad_plugin_whose_routes_are_absent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = RIGHT.replace('"acme", 1', '"acme", 7')
    (tmp_path / "bad").mkdir()
    with installed(tmp_path / "bad", PROJECT.format(name="acme"), {"identra_acme": bad}):
        house = door(tmp_path, extra='[plugins]\nenabled = ["acme"]\n')
        async with house as (_, url), httpx.AsyncClient(base_url=url, timeout=30) as client:
            said = {"email": "ada@example.com", "password": "correct horse battery"}
            answer = await client.post("/password/register", json=said)
            assert answer.status_code == 200
            listed = (await client.get("/oauth/providers")).json()["providers"]
            assert [one["name"] for one in listed] == ["github"]
            answer = await client.get("/oauth/url", params={"provider": "acme"})
            assert answer.json()["reason"] == "UNKNOWN_PROVIDER"
    assert "plugin left out" in "".join(capsys.readouterr())


def test_the_list_shows_what_was_left_out_and_why(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o755)
    (folder / "bad.py").write_text("raise RuntimeError('no luck')\n")
    place = Persistence(driver="sqlite", name=str(tmp_path / "identra.db"))
    said: Sections = {"plugins": {"enabled": ["bad"], "directory": str(folder)}}
    file = write_settings(tmp_path, place, sections=said)
    if os.geteuid() == 0:
        listed = command(file, "plugins", "list")
        assert "left out: plugin bad: RuntimeError: no luck" in listed
    else:
        with pytest.raises(PluginError, match="does not belong to root"):
            opened(file)


# The folder of single-file plugins.

UNSAFE = {
    "another's": (1000, 0o644),
    "its group's": (0, 0o664),
    "everybody's": (0, 0o646),
}


@pytest.mark.parametrize("case", UNSAFE)
def test_a_file_that_another_than_root_may_have_written_is_refused(case: str) -> None:
    owner, mode = UNSAFE[case]
    assert objection(_stat(owner, stat.S_IFREG | mode))


def test_a_file_of_roots_alone_is_not() -> None:
    assert objection(_stat(0, stat.S_IFREG | 0o644)) is None
    assert objection(_stat(0, stat.S_IFDIR | 0o1777)) is not None
    assert objection(_stat(0, stat.S_IFDIR | 0o1777), is_above=True) is None
    assert objection(_stat(1000, stat.S_IFDIR | 0o1755), is_above=True) is not None


def _stat(owner: int, mode: int) -> os.stat_result:
    return os.stat_result((mode, 1, 1, 1, owner, 0, 0, 0, 0, 0))


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder above which nobody but root writes, as an operator would choose it."""
    import tempfile

    with tempfile.TemporaryDirectory() as made:
        path = Path(made)
        path.chmod(0o755)
        (path / "acme.py").write_text(f"from __future__ import annotations\n{RIGHT}{TYPED}")
        (path / "other.py").write_text("raise RuntimeError('nobody enabled this')\n")
        yield path


def in_folder(folder: Path, tmp_path: Path) -> Path:
    place = Persistence(driver="sqlite", name=str(tmp_path / "identra.db"))
    said: Sections = {"plugins": {"enabled": ["acme"], "directory": str(folder)}}
    return write_settings(tmp_path, place, sections=said)


def test_a_plugin_of_roots_folder_is_on_once_it_is_enabled(folder: Path, tmp_path: Path) -> None:
    file = in_folder(folder, tmp_path)
    if os.geteuid() != 0:
        with pytest.raises(PluginError, match="does not belong to root"):
            opened(file)
        return
    providers = opened(file)
    assert "acme" in providers.on
    assert not (folder / "__pycache__").exists()
    for wrong in (folder, folder / "acme.py"):
        before = wrong.stat().st_mode
        wrong.chmod(before | stat.S_IWGRP)
        with pytest.raises(PluginError, match=f"{wrong}: can be written by others"):
            opened(file)
        wrong.chmod(before)
    (folder / "link.py").symlink_to(folder / "acme.py")
    with pytest.raises(PluginError, match="is no plain file"):
        opened(file)


def test_an_ordinary_service_uses_roots_folder_and_not_its_own(
    folder: Path, tmp_path: Path
) -> None:
    """As the user `nobody`; where tests are no root they are such a service themselves."""
    if os.geteuid() != 0:
        with pytest.raises(PluginError, match="does not belong to root"):
            opened(in_folder(folder, tmp_path))
        return
    program = (
        "import os,sys; from identra.loader.folder import *; os.setgroups([]); os.setgid(65534);"
        "os.setuid(65534); print(len(plugin_files(sys.argv[1])))"
    )
    for owner, ends in ((0, 0), (65534, 1)):
        os.chown(folder, owner, 0)
        run = [sys.executable, "-c", program, str(folder)]
        done = subprocess.run(run, capture_output=True, text=True, check=False)
        assert done.returncode == ends, done.stderr
    assert "does not belong to root" in done.stderr
