"""Finds plugins, checks them at the door, and opens their providers and hooks."""

from identra.loader.checking import KINDS, NAME, RESERVED
from identra.loader.nouns import (
    Failure,
    Hook,
    Plugin,
    PluginError,
    Providers,
    ProviderStatus,
    lacks,
)
from identra.loader.opening import load, load_for, read_plugin

__all__ = [
    "KINDS",
    "NAME",
    "RESERVED",
    "Failure",
    "Hook",
    "Plugin",
    "PluginError",
    "ProviderStatus",
    "Providers",
    "lacks",
    "load",
    "load_for",
    "read_plugin",
]
