"""Where settings come from, which wins, and what is refused with which words."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from identra.secret import fingerprint
from identra.settings import SettingsError, SettingsTree, load, read_section
from identra.values import Settings


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def save(text: str, name: str = "identra.toml") -> Path:
        file = tmp_path / name
        file.write_text(text, encoding="utf-8")
        return file

    return save


def refusal(path: Path | None, environ: dict[str, str] | None = None, *, dev: bool = False) -> str:
    with pytest.raises(SettingsError) as caught:
        load(path, environ or {}, dev=dev)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_without_file_and_environment_the_defaults_hold(write: Any) -> None:
    loaded = load(write(""), {})
    assert loaded.tree == SettingsTree()
    assert loaded.warnings == ()


def test_absent_sections_that_switch_something_on_are_none() -> None:
    tree = SettingsTree()
    assert (tree.redis, tree.smtp_mailer, tree.cors, tree.metrics) == (None, None, None, None)


def test_the_tree_can_not_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        SettingsTree().auth.token_issuer = "other"


def test_the_environment_overrides_the_file(write: Any) -> None:
    file = write('http_port = 1\n[auth]\nsign_up = "closed"\naccess_token_expiration = "5m"')
    tree = load(
        file, {"IDENTRA_HTTP_PORT": "2", "IDENTRA_AUTH__ACCESS_TOKEN_EXPIRATION": "1m"}
    ).tree
    assert (tree.http_port, tree.auth.access_token_expiration) == (2, 60)
    assert tree.auth.sign_up == "closed"


def test_a_variable_overrides_an_older_spelling_in_the_file(write: Any) -> None:
    file = write('[auth.github]\nclient_id = "old"\n[auth]\ntoken_expiration = "1h"')
    environ = {
        "IDENTRA_PROVIDERS__GITHUB__CLIENT_ID": "new",
        "IDENTRA_AUTH__ACCESS_TOKEN_EXPIRATION": "2m",
    }
    tree = load(file, environ).tree
    assert tree.providers["github"]["client_id"] == "new"
    assert tree.auth.access_token_expiration == 120


def test_the_file_is_the_one_named_by_the_environment(write: Any) -> None:
    file = write("http_port = 7")
    loaded = load(None, {"IDENTRA_CONFIG": str(file)})
    assert (loaded.file, loaded.tree.http_port) == (file, 7)


def test_the_usual_places_are_searched_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs/grpc").mkdir(parents=True)
    (tmp_path / "configs/grpc/default.toml").write_text("http_port = 2")
    assert load(None, {}).file == Path("configs/grpc/default.toml")
    (tmp_path / "configs/identra.toml").write_text("http_port = 1")
    assert load(None, {}).tree.http_port == 1


def test_a_named_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    missing = tmp_path / "none.toml"
    for said in (refusal(missing), refusal(None, {"IDENTRA_CONFIG": str(missing)})):
        assert said == f"{missing}: can't be read: No such file or directory"


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_a_secret_file_loses_one_newline_and_nothing_else(write: Any, ending: str) -> None:
    secret = write("", "secret")
    secret.write_bytes(b" pass word\n" + ending.encode())
    file = write(f'[redis]\nurls = ["a:1"]\npassword_file = "{secret}"')
    redis = load(file, {}).tree.redis
    assert redis is not None
    assert redis.password is not None
    assert redis.password.get_secret_value() == " pass word" + ("\n" if ending else "")


def test_a_secret_file_named_in_the_environment_replaces_the_files_secret(write: Any) -> None:
    secret = write("new", "secret")
    file = write('[persistence]\npassword = "old"')
    tree = load(file, {"IDENTRA_PERSISTENCE__PASSWORD_FILE": str(secret)}).tree
    assert tree.persistence.password == SecretStr("new")
    file = write(f'[persistence]\npassword_file = "{secret}"')
    tree = load(file, {"IDENTRA_PERSISTENCE__PASSWORD": "newer"}).tree
    assert tree.persistence.password == SecretStr("newer")


def test_a_secret_and_its_file_at_once_are_refused(write: Any) -> None:
    file = write('[persistence]\npassword = "one"\npassword_file = "two"')
    assert (
        refusal(file)
        == f"{file}: persistence.password_file: says again what password says; keep one"
    )


@pytest.mark.parametrize("text", ["", "\n"])
def test_an_empty_secret_file_is_no_secret(write: Any, text: str) -> None:
    """A secret that was not delivered must not become a service without one."""
    file = write(f'[persistence]\npassword_file = "{write(text, "secret")}"')
    assert refusal(file) == f"{file}: persistence.password_file: the file is empty"


@pytest.mark.parametrize("origin", ["https://app.example.com:8443", "http://[::1]:3000"])
def test_an_origin_is_written_as_browsers_send_it(write: Any, origin: str) -> None:
    cors = load(write(f'[cors]\nallowed_origins = ["{origin}"]'), {}).tree.cors
    assert cors is not None
    assert cors.allowed_origins == (origin,)


def test_only_secrets_are_read_from_files(write: Any) -> None:
    file = write('[persistence]\nuser_file = "x"')
    assert refusal(file).startswith(f"{file}: persistence.user_file: unknown key")


def test_a_missing_secret_file_names_the_variable() -> None:
    said = refusal(None, {"IDENTRA_PERSISTENCE__PASSWORD_FILE": "/nowhere/secret"})
    assert said.startswith("IDENTRA_PERSISTENCE__PASSWORD_FILE: the file can't be read")


@pytest.mark.parametrize("urls", ['"a:1, b:2"', '["a:1", "b:2"]'])
def test_redis_servers_are_a_list_or_one_string(write: Any, urls: str) -> None:
    redis = load(write(f"[redis]\nurls = {urls}"), {}).tree.redis
    assert redis is not None
    assert redis.urls == ("a:1", "b:2")


def test_lists_in_the_environment_are_separated_by_commas(write: Any) -> None:
    environ = {"IDENTRA_HTTP__TRUSTED_PROXIES": "10.0.0.0/8, fd00::/8,192.0.2.7"}
    proxies = load(write(""), environ).tree.http.trusted_proxies
    assert proxies == tuple(map(ip_network, ("10.0.0.0/8", "fd00::/8", "192.0.2.7/32")))


def test_never_rotating_is_none(write: Any) -> None:
    assert load(write('[keys]\nrotate_every = "never"'), {}).tree.keys.rotate_every is None


def test_a_switch_of_a_provider_said_in_letters_is_a_switch(write: Any) -> None:
    tree = load(write(""), {"IDENTRA_PROVIDERS__EMAIL__ENABLED": "false"}).tree
    assert tree.providers["email"]["enabled"] is False


def test_variables_of_tests_are_no_settings(write: Any) -> None:
    environ = {"IDENTRA_TEST_POSTGRES_URL": "x", "IDENTRA_TEST_REQUIRE": "all", "OTHER": "y"}
    assert load(write(""), environ).tree == SettingsTree()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("htp_port = 1", "htp_port: unknown key; did you mean http_port?"),
        ("[auht]\nx = 1\ny = 2", "auht: unknown key; did you mean auth?"),
        ('[auth]\ntoken_isuer = "x"', "auth.token_isuer: unknown key; did you mean token_issuer?"),
        ("auth = 1", "auth: is a section of keys, not a value"),
        ("[providers]\ngithub = 1", "providers.github: is a section of keys, not a value"),
        ("[auth]\nrefresh_grace = 30", "auth.refresh_grace: a duration reads like"),
        ('[auth]\ntoken_expiration = "soon"', "auth.token_expiration: a duration reads like"),
        ('[auth]\nrefresh_token_expiration = "31d"', "auth: refresh_token_expiration is longer"),
        ('[auth]\naccess_token_expiration = "31d"', "auth: access_token_expiration is longer"),
        ('[auth]\nrefresh_grace = "6m"', "auth.refresh_grace: should be less than or equal to 300"),
        ('[auth]\nrefresh_token_expiration = "20s"', "auth: refresh_grace is as long as"),
        ('[auth]\naccess_token_expiration = "0s"', "auth.access_token_expiration: should be gr"),
        ('[auth]\ndeletion_grace = "36501d"', "auth.deletion_grace: a duration is at most 36500d"),
        ('[auth]\nsign_up = "maybe"', "auth.sign_up: should be 'open' or 'closed'"),
        ('[keys]\nalgorithm = "HS256"', "keys.algorithm: should be 'RS256', 'ES256' or 'EdDSA'"),
        ("[keys]\nmaster_key_files = []", "keys.master_key_files: "),
        ('[keys]\nmaster_key_files = [""]', "keys.master_key_files: a file name is empty"),
        ('[keys]\nmaster_key_files = ["a", "a"]', "keys.master_key_files: a file is named twice"),
        ('[keys]\nrotate_every = "23h"', "keys: rotate_every is shorter than publish_ahead"),
        ('[keys]\npublish_ahead = "9m"', "keys: publish_ahead is shorter than twice jwks_max_age"),
        ("[password]\nmin_length = 7", "password.min_length: should be greater"),
        ("[password]\nmin_length = 65", "password.min_length: should be less"),
        ("[password]\nargon2_memory_kib = 19455", "password.argon2_memory_kib: should be greater"),
        ("[password]\nargon2_time = 1", "password.argon2_time: should be greater"),
        ("[password]\nargon2_parallelism = 0", "password.argon2_parallelism: should be greater"),
        ("[codes]\ndigits = 5", "codes.digits: should be greater"),
        ("[codes]\ndigits = 11", "codes.digits: should be less"),
        ('[http]\ntrusted_proxies = ["0.0.0.0/0"]', "http.trusted_proxies: trusts half the world"),
        ('[http]\ntrusted_proxies = ["::/0"]', "http.trusted_proxies: trusts half the world"),
        ('[http]\ntrusted_proxies = ["128.0.0.0/1"]', "http.trusted_proxies: trusts half the"),
        ('[limits]\ntrusted_callers = ["0.0.0.0/0"]', "limits.trusted_callers: trusts half"),
        ("[http]\ntrusted_proxies = [1]", "http.trusted_proxies: a network reads like"),
        ('[http]\ntrusted_proxies = ["proxy"]', "http.trusted_proxies: a network reads like"),
        ('[cors]\nallowed_origins = ["*"]\nallow_credentials = true', "cors: allow_credentials"),
        ('[cors]\nallowed_origins = ["https://a.example/"]', "cors.allowed_origins: an origin"),
        ('[cors]\nallowed_origins = ["https://A.example"]', "cors.allowed_origins: an origin"),
        ('[cors]\nallowed_origins = ["https://a.example:443"]', "cors.allowed_origins: an origin"),
        ('[cors]\nallowed_origins = ["http://a.example:80"]', "cors.allowed_origins: an origin"),
        ('[cors]\nallowed_origins = ["https://*.a.example"]', "cors.allowed_origins: an origin"),
        ('[cors]\nallowed_origins = ["https://é.example"]', "cors.allowed_origins: an origin"),
        ("[cors]\nallowed_origins = []", "cors.allowed_origins: "),
        ("[cors]", "cors.allowed_origins: is missing"),
        ("[redis]", "redis.urls: is missing"),
        ('[redis]\nurls = ["redis://u:p@host:1"]', "redis.urls: a server reads host:port"),
        ('public_url = "ftp://example.com"', "public_url: is an http or https URL"),
        ('public_url = "https://u:p@example.com"', "public_url: is an http or https URL"),
        ('public_url = "https://"', "public_url: is an http or https URL"),
        ('public_url = "https://example.com/?"', "public_url: is an http or https URL"),
        ("http_port = 65536", "http_port: should be less"),
        ("http_port = -1", "http_port: should be greater"),
        ("http_port = true", "http_port: is a number, not true or false"),
        ("[codes]\ndigits = true", "codes.digits: is a number, not true or false"),
        ("http_port = 50051", "settings: http_port and grpc_port are the same port"),
        ('[persistence]\ndriver = "postgres"', "persistence: driver postgres needs the name"),
        ('[persistence]\ndriver = "mongo"', "persistence.driver: should be 'sqlite'"),
        ('[smtp_mailer]\nhost = "h"', "smtp_mailer.from: is missing"),
        ('[smtp_mailer]\nhost = "h"\nfrom = "A <a@b.example>"', "smtp_mailer.from: is one plain"),
        (
            '[smtp_mailer]\nhost = "h"\nfrom = "a@b.example"\nusername = "u"',
            "smtp_mailer: username and password go together",
        ),
        ('[grpc]\ntls_cert = "c.pem"', "grpc: tls_cert and tls_key go together"),
        ('[plugins]\nenabled = ["Not-One"]', "plugins.enabled: a plugin's name is"),
        ("[providers.X]\na = 1", "providers.X: a plugin's name is"),
        ('[providers.x1]\nenabled = "perhaps"', "providers: enabled of a provider is true or"),
        ("http_port = ", "is no TOML: "),
    ],
)
def test_a_fault_in_the_file_is_one_line_naming_file_and_key(
    write: Any, text: str, line: str
) -> None:
    file = write(text)
    assert refusal(file).startswith(f"{file}: {line}")


@pytest.mark.parametrize(
    ("environ", "line"),
    [
        ({"IDENTRA_FOO": "1"}, "IDENTRA_FOO: unknown key"),
        ({"IDENTRA_FOO__A": "1", "IDENTRA_FOO__B": "1"}, "IDENTRA_FOO__A: unknown key"),
        ({"IDENTRA_http_port": "1"}, "IDENTRA_http_port: unknown variable"),
        ({"IDENTRA_HTTP_PORT": "many"}, "IDENTRA_HTTP_PORT: should be a valid integer"),
        ({"IDENTRA_HTTP_PORT": ""}, "IDENTRA_HTTP_PORT: should be a valid integer"),
        ({"IDENTRA_AUTH": "x"}, "IDENTRA_AUTH: is a section of keys"),
        ({"IDENTRA_AUTH": "x", "IDENTRA_AUTH__SIGN_UP": "open"}, "IDENTRA_AUTH: is a section of"),
        ({"IDENTRA_HTTP__TRUSTED_PROXIES": "1.2.3.4,0.0.0.0/0"}, "IDENTRA_HTTP__TRUSTED_PROXIES:"),
        ({"IDENTRA_MAIL__APPLICATION_NAME": "\udcff"}, "IDENTRA_MAIL__APPLICATION_NAME: is not UT"),
    ],
)
def test_a_fault_in_the_environment_names_the_variable(
    write: Any, environ: dict[str, str], line: str
) -> None:
    assert refusal(write(""), environ).startswith(line)


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "latin.toml"
    file.write_bytes(b'[mail]\napplication_name = "caf\xe9"')
    assert refusal(file) == f"{file}: is not UTF-8 text"


def test_development_registers_at_once_unless_told_otherwise(write: Any) -> None:
    assert load(write(""), {}, dev=True).tree.password.registration == "immediate"
    said = '[password]\nregistration = "verified"'
    assert load(write(said), {}, dev=True).tree.password.registration == "verified"
    assert load(write(""), {}).tree.password.registration == "verified"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[persistence]\ndriver = "postgres"\nname = "x"', "persistence.driver"),
        ('http_host = "0.0.0.0"', "http_host"),
        ('grpc_host = "::"', "grpc_host"),
        ('http_host = "localhost.example.com"', "http_host"),
    ],
)
def test_development_is_sqlite_on_loopback_only(write: Any, text: str, key: str) -> None:
    file = write(text)
    assert refusal(file, dev=True).startswith(f"{file}: {key}: development mode")
    load(file, {})


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "::1"])
def test_every_loopback_host_is_fit_for_development(write: Any, host: str) -> None:
    assert load(write(f'http_host = "{host}"'), {}, dev=True).tree.http_host == host


class Acme(Settings):
    client_id: str
    client_secret: SecretStr
    private_key_file: str = ""
    scopes: tuple[str, ...] = ()


def test_a_provider_reads_its_section_with_its_own_model(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hush\n")
    raw = {"client_id": "a", "client_secret_file": str(secret), "scopes": "user, mail"}
    acme = read_section(Acme, raw | {"private_key_file": "k.pem"}, "providers.acme", None)
    assert acme.client_secret.get_secret_value() == "hush"
    assert (acme.scopes, acme.private_key_file) == (("user", "mail"), "k.pem")


def test_a_fault_in_a_providers_section_names_its_key_and_file() -> None:
    raw = {"client_id": "a", "client_secret": "hush", "client_idd": "b"}
    with pytest.raises(SettingsError) as caught:
        read_section(Acme, raw, "providers.acme", Path("x.toml"))
    assert str(caught.value).startswith("x.toml: providers.acme.client_idd: unknown key")
    with pytest.raises(SettingsError) as caught:
        read_section(Acme, {"client_id": "a"}, "providers.acme", Path("x.toml"))
    assert str(caught.value) == "x.toml: providers.acme.client_secret: is missing"


KNOWN = "f0ba20e1c6b1d3fa91ee48cb3a5bbe7c1e7d6b9a4bcb8e0d2f3f9c61d5e7a184"


def client(name: str, digest: str) -> str:
    return f'[[introspection.clients]]\nid = "{name}"\nsecret_sha256 = "{digest}"\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (client("a", "secret"), ".0.secret_sha256: is the SHA-256 of a secret in 64 hex digits"),
        (client("a", KNOWN[1:]), ".0.secret_sha256: is the SHA-256 of a secret in 64 hex digits"),
        (client("a", KNOWN) + client("b", f"{KNOWN}0"), ".1.secret_sha256: is the SHA-256 of"),
        (
            client("a", fingerprint("")),
            ".0.secret_sha256: is the SHA-256 of a secret that",
        ),
        (client("a", fingerprint("changeme").upper()), ".0.secret_sha256: is the SHA-256 of a sec"),
        (client("a b", KNOWN), ".0.id: a client's id has up to 64 letters"),
        (client("a" * 65, KNOWN), ".0.id: a client's id has up to 64 letters"),
        (client("", KNOWN), ".0.id: a client's id has up to 64 letters"),
        (client("a", KNOWN) + "secret = 'x'", ".0.secret: unknown key"),
        ("[[introspection.clients]]\nid = 'a'", ".0.secret_sha256: is missing"),
        (client("a", KNOWN) + client("a", KNOWN[::-1]), ": two clients have one id"),
        (client("a", KNOWN) + client("b", KNOWN.upper()), ": two clients have one secret_sha256"),
        ("[introspection.clients]\nid = 'a'", ": is a list of tables, each written [[introsp"),
        ("[introspection]\nclients = 'a'", ": is a section of keys, not a value"),
    ],
)
def test_a_client_that_can_not_be_told_is_refused_by_its_key(
    write: Any, text: str, says: str
) -> None:
    assert f"identra.toml: introspection.clients{says}" in refusal(write(text))
