"""The spellings of the original service's configuration, read as our own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from identra.settings.faults import fault

if TYPE_CHECKING:
    from identra.settings.said import At, Flat

_KEYS: dict[At, At] = {
    ("auth", "token_expiration"): ("auth", "access_token_expiration"),
    ("smtp_mailer", "from_email"): ("smtp_mailer", "from"),
    ("persistence", "dbname"): ("persistence", "name"),
    ("persistence", "username"): ("persistence", "user"),
}
_SECTIONS: dict[At, At] = {
    ("persistence", "gorm"): ("persistence",),
    ("oauth", "github"): ("providers", "github"),
    ("auth", "github"): ("providers", "github"),
}
_RING = "tokens are signed with the key ring"
_LOGS = "--dev logs for people, all else JSON"
_UNUSED: dict[At, str] = {
    ("jwt_secret",): _RING,
    ("auth", "jwt_secret"): _RING,
    ("auth", "rsa_private_key"): _RING,
    ("auth", "oauth", "fetch_email_if_missing"): "GitHub is always asked for the addresses",
    ("persistence", "type"): "persistence.driver says it",
    ("presistence", "type"): "persistence.driver says it",
    ("smtp_mailer", "from_name"): "mails carry mail.application_name",
    ("grpc_endpoint",): "one process answers REST and gRPC",
    ("log", "level"): _LOGS,
    ("log", "format"): _LOGS,
}


def as_ours(flat: Flat) -> tuple[Flat, tuple[str, ...]]:
    """One source's values under our own keys, and a warning for each that has no use here.

    SettingsError where one value is said in two spellings.
    """
    ours: Flat = {}
    warnings = []
    for at, said in flat.items():
        if at in _UNUSED:
            warnings.append(f"{said.where} is accepted and unused: {_UNUSED[at]}")
            continue
        own = _own(at)
        if own in ours and said.value != {}:
            raise fault(said.where, f"says again what {ours[own].where} says; keep one")
        ours.setdefault(own, said)
    return ours, tuple(warnings)


def without_empty_mailer(flat: Flat) -> Flat:
    """An empty `[smtp_mailer] host` turns mail off, as it did in the original's sample."""
    host = flat.get(("smtp_mailer", "host"))
    if host is None or host.value != "":
        return flat
    return {at: said for at, said in flat.items() if at[0] != "smtp_mailer"}


def _own(at: At) -> At:
    for theirs, ours in _SECTIONS.items():
        if at[: len(theirs)] == theirs:
            at = ours + at[len(theirs) :]
    return _KEYS.get(at, at)
