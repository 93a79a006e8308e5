"""A configuration written for the original service starts this one unchanged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from identra.settings import SettingsError, load

if TYPE_CHECKING:
    from pathlib import Path

SAMPLE = """
grpc_port = 50051

[auth]
jwt_secret = "jwt_secret"
oauth_state_expiration = "10m"
token_expiration = "24h"

[auth.github]
client_id = "your-github-client-id"
client_secret = "your-github-client-secret"

[redis]
urls = "localhost:6379"

[persistence]
type = "gorm"

[persistence.gorm]
driver = "postgres"
host = "localhost"
port = 5432
username = "app"
password = "app-password"
dbname = "app"
sslmode = "disable"

[smtp_mailer]
host = "smtp.example.com"
port = 587
username = "app@example.com"
password = "mail-password"
from_email = "noreply@example.com"
from_name = "App"
"""


def save(directory: Path, text: str) -> Path:
    file = directory / "default.toml"
    file.write_text(text)
    return file


def test_its_values_are_read_as_ours(tmp_path: Path) -> None:
    tree = load(save(tmp_path, SAMPLE), {}).tree
    assert tree.auth.access_token_expiration == 86_400
    assert tree.providers["github"] == {
        "client_id": "your-github-client-id",
        "client_secret": "your-github-client-secret",
    }
    assert (tree.persistence.driver, tree.persistence.name) == ("postgres", "app")
    assert (tree.persistence.user, tree.persistence.sslmode) == ("app", "disable")
    assert tree.redis is not None
    assert tree.redis.urls == ("localhost:6379",)
    assert tree.smtp_mailer is not None
    assert tree.smtp_mailer.sender == "noreply@example.com"


def test_what_has_no_use_here_is_told_without_its_value(tmp_path: Path) -> None:
    file = save(tmp_path, f'jwt_secret = "top-hush"\n{SAMPLE}')
    warnings = load(file, {}).warnings
    assert [warning.split(" is accepted and unused")[0] for warning in warnings] == [
        f"{file}: jwt_secret",
        f"{file}: auth.jwt_secret",
        f"{file}: persistence.type",
        f"{file}: smtp_mailer.from_name",
    ]
    assert "top-hush" not in "".join(warnings)


def test_what_it_said_of_logs_does_not_stop_the_start(tmp_path: Path) -> None:
    file = save(tmp_path, f'{SAMPLE}[log]\nlevel = "info"\nformat = "json"\n')
    assert f"{file}: log.level" in "".join(load(file, {}).warnings)


def test_an_empty_mail_host_turns_mail_off(tmp_path: Path) -> None:
    sample = SAMPLE.replace('"smtp.example.com"', '""')
    assert load(save(tmp_path, sample), {}).tree.smtp_mailer is None


def test_github_under_oauth_is_read_too(tmp_path: Path) -> None:
    sample = SAMPLE.replace("[auth.github]", "[oauth.github]")
    assert load(save(tmp_path, sample), {}).tree.providers["github"]["client_id"]


def test_its_spellings_work_in_the_environment(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hush\n")
    environ = {
        "IDENTRA_PERSISTENCE__GORM__DBNAME": "other",
        "IDENTRA_PERSISTENCE__GORM__PASSWORD_FILE": str(secret),
        "IDENTRA_AUTH__JWT_SECRET": "x",
    }
    persistence = load(save(tmp_path, SAMPLE), environ).tree.persistence
    assert persistence.name == "other"
    assert persistence.password is not None
    assert persistence.password.get_secret_value() == "hush"


@pytest.mark.parametrize(
    ("more", "one", "other"),
    [
        ("[persistence.gorm]\nname='a'\ndbname='b'", "gorm.name", "gorm.dbname"),
        ("[persistence]\nname='a'\n[persistence.gorm]\ndbname='b'", ".name", "gorm.dbname"),
        ("[auth.github]\nclient_id='a'\n[oauth.github]\nclient_id='a'", "auth.github", "oauth."),
        ("[auth]\ntoken_expiration='1h'\naccess_token_expiration='1h'", "auth.access", ".token_e"),
        ("[smtp_mailer]\nfrom='a@b.example'\nfrom_email='a@b.example'", "er.from", "er.from_email"),
    ],
)
def test_two_spellings_of_one_value_are_refused_and_both_are_named(
    tmp_path: Path, more: str, one: str, other: str
) -> None:
    with pytest.raises(SettingsError, match="says again what") as caught:
        load(save(tmp_path, more), {})
    assert one in str(caught.value)
    assert other in str(caught.value)
