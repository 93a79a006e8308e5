"""`[admin]`: whether operators are let in from outside, and where."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from identra.settings.sections import Port
from identra.settings.words import PlainText
from identra.values import Settings


class Admin(Settings):
    """`[admin]`: the operators' interface; without ports of its own it shares the doors' ones.

    `host` is where its own ports are. With `port` alone it is not to be had over gRPC.
    """

    enabled: bool = False
    host: PlainText = "127.0.0.1"
    port: Port | None = None
    grpc_port: Port | None = None

    @model_validator(mode="after")
    def _apart_as_a_whole(self) -> Self:
        if self.grpc_port is not None and self.port is None:
            raise ValueError("grpc_port goes with port")
        return self
