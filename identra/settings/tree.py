"""The settings tree: every value of the service in one frozen model."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, model_validator

from identra.settings.admin import Admin
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
    Port,
    Redis,
    SmtpMailer,
    Tracing,
)
from identra.settings.webhooks import Webhook
from identra.settings.words import PlainText, PluginName, PublicUrl, is_loopback
from identra.values import Settings

_SWITCHES = {True: True, False: False, "true": True, "false": False}


def _with_switches(sections: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """`enabled` of a provider is True or False, even when a variable said it in letters."""
    return {name: _with_switch(section) for name, section in sections.items()}


def _with_switch(section: dict[str, Any]) -> dict[str, Any]:
    if "enabled" not in section:
        return section
    said = section["enabled"]
    if not isinstance(said, bool | str) or said not in _SWITCHES:
        raise ValueError("enabled of a provider is true or false")
    return {**section, "enabled": _SWITCHES[said]}


class SettingsTree(Settings):
    """All settings. `providers` and `hooks` hold raw sections, read by the plugins' own models.

    Made with nothing, it holds the defaults. Relative file names are relative to the working
    directory.
    """

    public_url: PublicUrl = "http://localhost:8080"
    http_host: PlainText = "127.0.0.1"
    grpc_host: PlainText = "127.0.0.1"
    http_port: Port = 8080
    grpc_port: Port = 50051
    auth: Auth = Field(default_factory=Auth)
    keys: Keys = Field(default_factory=Keys)
    redis: Redis | None = None
    persistence: Persistence = Field(default_factory=Persistence)
    smtp_mailer: SmtpMailer | None = None
    password: Password = Field(default_factory=Password)
    codes: Codes = Field(default_factory=Codes)
    http: Http = Field(default_factory=Http)
    limits: Limits = Field(default_factory=Limits)
    introspection: Introspection = Field(default_factory=Introspection)
    grpc: Grpc = Field(default_factory=Grpc)
    providers: Annotated[dict[PluginName, dict[str, Any]], AfterValidator(_with_switches)] = Field(
        default_factory=dict, repr=False
    )
    hooks: dict[PluginName, dict[str, Any]] = Field(default_factory=dict, repr=False)
    webhooks: dict[PluginName, Webhook] = Field(default_factory=dict)
    plugins: Plugins = Field(default_factory=Plugins)
    cors: Cors | None = None
    metrics: Metrics | None = None
    tracing: Tracing | None = None
    admin: Admin = Field(default_factory=Admin)
    mail: Mail = Field(default_factory=Mail)
    housekeeping: Housekeeping = Field(default_factory=Housekeeping)

    @model_validator(mode="after")
    def _ports_differ(self) -> Self:
        doors = {"http_port": self.http_port, "grpc_port": self.grpc_port}
        if self.metrics is not None:
            doors["metrics.port"] = self.metrics.port
        for key in ("port", "grpc_port"):
            if self.admin.enabled and (port := getattr(self.admin, key)) is not None:
                doors[f"admin.{key}"] = port
        fixed = [(port, key) for key, port in doors.items() if port]
        for number, (port, key) in enumerate(fixed):
            for other, name in fixed[:number]:
                if port == other:
                    raise ValueError(f"{name} and {key} are the same port")
        return self


def unfit_for_development(tree: SettingsTree) -> tuple[str, str] | None:
    """The key that keeps development mode from starting and what it asks for, if there is one."""
    if tree.persistence.driver != "sqlite":
        return "persistence.driver", "development mode runs on sqlite only"
    hosts = {
        "http_host": tree.http_host,
        "grpc_host": tree.grpc_host,
        "admin.host": tree.admin.host,
    }
    for key, host in hosts.items():
        if not is_loopback(host):
            return key, "development mode listens on a loopback address only"
    return None
