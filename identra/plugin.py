"""All that a plugin may import: the kinds to subclass, the hook marker, values and errors."""

from __future__ import annotations

import pluggy

from identra.asked import Aid, Arrival, Choice, Delivery, Fact, Holder
from identra.errors import ProviderRefused, ProviderUnavailable
from identra.providers.base import CONTRACT, HookSettings, ProviderSettings
from identra.providers.code import CodeProvider
from identra.providers.minting import sign_es256
from identra.providers.oauth2 import OAuth2Provider, OAuth2Settings
from identra.providers.oidc import OIDCProvider
from identra.providers.secret import SecretProvider
from identra.values import Address, EmailTrust, Settings, Upstream, UserInfo

hookimpl = pluggy.HookimplMarker("identra")

__all__ = [
    "CONTRACT",
    "Address",
    "Aid",
    "Arrival",
    "Choice",
    "CodeProvider",
    "Delivery",
    "EmailTrust",
    "Fact",
    "Holder",
    "HookSettings",
    "OAuth2Provider",
    "OAuth2Settings",
    "OIDCProvider",
    "ProviderRefused",
    "ProviderSettings",
    "ProviderUnavailable",
    "SecretProvider",
    "Settings",
    "Upstream",
    "UserInfo",
    "hookimpl",
    "sign_es256",
]
