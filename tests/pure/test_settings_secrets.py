"""No secret's value is ever in an error's text, in a representation, or in `config show`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, field_validator

from identra.cli import run
from identra.settings import MASK, SettingsError, load, read_section, shown
from identra.values import Settings

if TYPE_CHECKING:
    from pathlib import Path

SECRET = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=10).map(
    "hush{}".format
)
PLACES = (
    "REDIS__PASSWORD",
    "PERSISTENCE__PASSWORD",
    "SMTP_MAILER__PASSWORD",
    "PROVIDERS__GITHUB__CLIENT_SECRET",
    "PROVIDERS__APPLE__PRIVATE_KEY",
    "PROVIDERS__SMS__ACCESS_TOKEN",
    "PROVIDERS__SMS__NESTED__API_KEY",
    "PROVIDERS__LDAP__BIND_PASSWORD",
    "AUTH__JWT_SECRET",
)
WHOLE = {
    "IDENTRA_REDIS__URLS": "a:1",
    "IDENTRA_SMTP_MAILER__HOST": "h",
    "IDENTRA_SMTP_MAILER__FROM": "a@b.example",
    "IDENTRA_SMTP_MAILER__USERNAME": "u",
}


@given(SECRET)
def test_settings_in_effect_are_shown_without_any_secret(secret: str) -> None:
    environ = WHOLE | {f"IDENTRA_{place}": secret for place in PLACES}
    loaded = load(None, environ)
    assert secret not in json.dumps(shown(loaded.tree))
    assert secret not in repr(loaded)
    assert loaded.tree.persistence.password == SecretStr(secret)
    assert shown(loaded.tree)["providers"]["sms"]["nested"]["api_key"] == MASK


def test_the_user_of_a_url_in_a_providers_section_is_masked() -> None:
    environ = {"IDENTRA_PROVIDERS__SMS__GATEWAY": "https://u:hush@sms.example/send"}
    providers = shown(load(None, environ).tree)["providers"]
    assert providers["sms"]["gateway"] == f"https://{MASK}@sms.example/send"


@given(SECRET, st.sampled_from(PLACES), st.sampled_from(["X", "", "__X"]))
def test_no_fault_tells_a_secret(secret: str, place: str, wrong: str) -> None:
    environ = {f"IDENTRA_{place}{wrong}": secret, "IDENTRA_CODES__DIGITS": "x"}
    with pytest.raises(SettingsError) as caught:
        load(None, environ)
    assert secret not in str(caught.value)


@given(SECRET, st.sampled_from(["{}", '"{}', "{}=", "['{}'", '"a" "{}"', '"{}\n']))
def test_a_file_that_is_no_toml_is_not_quoted(
    tmp_path_factory: pytest.TempPathFactory, secret: str, broken: str
) -> None:
    file = tmp_path_factory.getbasetemp() / "broken.toml"
    file.write_text(f"[redis]\npassword = {broken.format(secret)}")
    with pytest.raises(SettingsError) as caught:
        load(file, {})
    assert secret not in str(caught.value)


class Talkative(Settings):
    client_secret: SecretStr

    @field_validator("client_secret")
    @classmethod
    def _tell(cls, value: SecretStr) -> SecretStr:
        raise ValueError(f"{value.get_secret_value()} is wrong")


@given(SECRET)
def test_a_providers_model_that_tells_its_secret_is_silenced(secret: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_section(Talkative, {"client_secret": secret}, "providers.x1", None)
    assert str(caught.value) == f"providers.x1.client_secret: {MASK} is wrong"


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_the_command_shows_no_secret(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    file = tmp_path / "x.toml"
    file.write_text('[persistence]\npassword="hush1"\n[providers.github]\nclient_secret="hush2"')
    assert run(["config", "show", "--config", str(file), *options]) == 0
    printed: Any = capsys.readouterr()
    assert "hush" not in printed.out + printed.err
    assert printed.out.count(MASK) == 2
