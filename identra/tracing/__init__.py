"""What OpenTelemetry is told of requests, where settings ask for it and the extra is installed.

`telemetry` alone imports the library, and is imported only when it is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from identra.settings import SettingsError

if TYPE_CHECKING:
    from identra.settings import Loaded
    from identra.settings.sections import Tracing
    from identra.tracing.telemetry import Telemetry


def demand_library(loaded: Loaded) -> None:
    """Raise SettingsError where traces are asked for and the library is not installed."""
    if loaded.tree.tracing is None:
        return
    try:
        import identra.tracing.telemetry  # noqa: F401 - for its import alone
    except ImportError:
        file = f"{loaded.file}: " if loaded.file else ""
        raise SettingsError(f"{file}tracing: needs pip install identra[otel]") from None


def open_telemetry(tracing: Tracing) -> Telemetry:
    """Begin to send. The library is there: see `demand_library`."""
    from identra.tracing.telemetry import Telemetry, provide

    return Telemetry(provide(tracing))


__all__ = ["demand_library", "open_telemetry"]
