"""The settings: one TOML file, the environment over it, secrets from files; unknown keys refused.

`load` reads them all; a provider's own section is read by `read_section` with its own model.
"""

from __future__ import annotations

from identra.settings.admin import Admin
from identra.settings.durations import Duration, DurationOrNever, format_duration, parse_duration
from identra.settings.faults import SettingsError
from identra.settings.load import PLACES, Loaded, load
from identra.settings.masking import MASK, shown
from identra.settings.sections import (
    Auth,
    Codes,
    Cors,
    Grpc,
    Housekeeping,
    Http,
    Introspection,
    Keys,
    Limits,
    Mail,
    Metrics,
    Password,
    Persistence,
    Plugins,
    Redis,
    SmtpMailer,
)
from identra.settings.shape import read_section
from identra.settings.tree import SettingsTree

__all__ = [
    "MASK",
    "PLACES",
    "Admin",
    "Auth",
    "Codes",
    "Cors",
    "Duration",
    "DurationOrNever",
    "Grpc",
    "Housekeeping",
    "Http",
    "Introspection",
    "Keys",
    "Limits",
    "Loaded",
    "Mail",
    "Metrics",
    "Password",
    "Persistence",
    "Plugins",
    "Redis",
    "SettingsError",
    "SettingsTree",
    "SmtpMailer",
    "format_duration",
    "load",
    "parse_duration",
    "read_section",
    "shown",
]
