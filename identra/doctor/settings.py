"""What the settings say, and what they leave open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from identra.doctor.finding import Kind
from identra.grpc import tls
from identra.settings.words import is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from identra.doctor.finding import Finding
    from identra.loader import Failure
    from identra.settings import Loaded, SettingsTree

ACCEPTED: Final = Kind("SETTINGS_ACCEPTED", "ok")
REFUSED: Final = Kind(
    "SETTINGS_REFUSED", "error", "Mend the key that is named; the service does not start before."
)
OLD_WORDS: Final = Kind("SETTINGS_WARNING", "warning", "Say it as the settings' page does.")
IMMEDIATE: Final = Kind(
    "REGISTRATION_IMMEDIATE",
    "warning",
    'Set password.registration = "verified" wherever people register whom you do not know.',
)
LOOSE: Final = Kind(
    "CLIENTS_UNBOUND",
    "note",
    "Once every client sends a code_challenge, set auth.require_client_binding = true.",
)
LOCAL: Final = Kind(
    "PUBLIC_URL_LOCAL", "warning", "Set public_url to the address that people call."
)
PLAIN: Final = Kind(
    "PUBLIC_URL_PLAIN", "error", "Put a TLS proxy before it, and let public_url begin with https."
)
LEFT_OUT: Final = Kind(
    "PLUGIN_LEFT_OUT", "warning", "Mend the plugin, or take it out of plugins.enabled."
)
CERTIFICATE: Final = Kind(
    "GRPC_CERTIFICATE_REFUSED", "error", "Name PEM files that can be read and belong together."
)
KINDS: Final = (ACCEPTED, REFUSED, OLD_WORDS, IMMEDIATE, LOOSE, LOCAL, PLAIN, LEFT_OUT, CERTIFICATE)


def judge(loaded: Loaded, failures: Sequence[Failure]) -> Iterator[Finding]:
    """What is to be said of settings that were accepted, and of plugins that were left out."""
    tree = loaded.tree
    yield ACCEPTED.of(f"{loaded.file or 'no file: built-in defaults'}")
    for warning in loaded.warnings:
        yield OLD_WORDS.of(warning)
    if tree.password.registration == "immediate":
        yield IMMEDIATE.of(
            "whoever registers has an account at once, under an address that nobody proved"
        )
    if not tree.auth.require_client_binding:
        yield LOOSE.of("a sign-in at a provider need not be bound to the client that began it")
    yield from _judge_url(tree)
    for failure in failures:
        yield LEFT_OUT.of(f"{failure.name}: {failure.says}")


def _judge_url(tree: SettingsTree) -> Iterator[Finding]:
    parts = urlsplit(tree.public_url)
    if is_loopback(parts.hostname or ""):
        yield LOCAL.of(f"public_url is {tree.public_url}, which is this machine for everybody")
    elif parts.scheme != "https":
        yield PLAIN.of(f"public_url is {tree.public_url}: passwords and tokens travel in clear")


def look_at_certificate(tree: SettingsTree) -> Iterator[Finding]:
    """Whether gRPC's TLS files can be used."""
    try:
        tls.read(tree.grpc)
    except tls.UnusableFile as fault:
        yield CERTIFICATE.of(f"{fault.key}: {fault.says}")
