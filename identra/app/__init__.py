"""The composition root: the only rooms that know every class."""

from identra.app.building import build
from identra.app.house import App, Readiness
from identra.app.preparing import prepare

__all__ = ["App", "Readiness", "build", "prepare"]
