"""The page of providers says what each is, what it asks for, and what it is trusted with."""

from __future__ import annotations

import handbook
import pytest

from identra import loader
from identra.plugin import OAuth2Settings
from identra.providers.redirecting import RedirectingProvider

PAGE = "docs/operate/providers.md"
DECLARATIVE = {"oidc", "oauth2"}
PLUGINS = {
    make.name: make
    for plugin in loader.load((), {}).plugins
    for make in plugin.makes
    if issubclass(make, RedirectingProvider)
}
COMMON = set(OAuth2Settings.model_fields)


def own(name: str) -> set[str]:
    return set(PLUGINS[name].settings_model.model_fields) - COMMON


def test_every_provider_is_listed_with_its_settings_and_its_trust() -> None:
    rows = handbook.rows(handbook.read(PAGE), "provider")
    told = {handbook.coded(r[0])[0]: r[1:4] for r in rows}
    assert set(told) == set(PLUGINS) - DECLARATIVE
    for name, (kind, settings, trust) in told.items():
        assert handbook.coded(kind) == [PLUGINS[name].kind], name
        assert set(handbook.coded(settings)) == own(name), name
        assert handbook.coded(trust) == [PLUGINS[name].email_trust.value], name


@pytest.mark.parametrize(
    ("plugin", "title"),
    [("oidc", "One that speaks OpenID Connect"), ("oauth2", "One that speaks OAuth 2.0")],
)
def test_every_setting_of_a_declared_place_is_listed(plugin: str, title: str) -> None:
    section = handbook.sections("docs/extend/declarative.md", 2)[title]
    told = {handbook.coded(r[0])[0]: r[1] for r in handbook.rows(section, "key")}
    fields = PLUGINS[plugin].settings_model.model_fields
    assert set(told) == own(plugin) | {"email_trust"}
    required = {name for name, default in told.items() if default == "required"}
    assert required == {n for n in told if fields[n].is_required()} | ({"issuer"} & set(told))


@pytest.mark.parametrize("name", sorted(PLUGINS))
def test_a_first_party_provider_is_short_and_no_other_than_a_stranger_would_build(
    name: str,
) -> None:
    source = (handbook.ROOT / f"plugins/identra_{name}/__init__.py").read_text()
    assert len(source.splitlines()) <= 90
    for line in source.splitlines():
        if line.startswith(("from identra", "import identra")):
            assert line.startswith("from identra.plugin import")


def test_half_of_them_take_under_forty_lines() -> None:
    files = (handbook.ROOT / "plugins").glob("identra_*/__init__.py")
    lengths = sorted(len(file.read_text().splitlines()) for file in files)
    assert lengths[len(lengths) // 2] < 40
