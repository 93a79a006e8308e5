"""Logs: one line per fact on stderr, for people in development and as JSON elsewhere."""

from __future__ import annotations

import json
import logging
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeAlias

import structlog

if TYPE_CHECKING:
    from collections.abc import Iterator

    from structlog.typing import EventDict, Processor, WrappedLogger

_Chain: TypeAlias = "list[Processor]"

_TOO_TALKATIVE = ("httpx", "httpcore", "asyncio", "aiosqlite", "sanic.root", "sanic.server")
"""Libraries whose everyday lines say nothing an operator needs, or say URLs."""

_TELLS_VALUES = "grpc"
"""A library whose lines say what callers sent; what fails there comes back to us as errors."""


def configure(*, dev: bool) -> None:
    """Send every log of the process, ours and libraries', in one form to stderr.

    A library's exception is told by its type and frames, never by its text: it may hold a value.
    """
    shared: _Chain = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _without_values,
        _without_nothing,
    ]
    renderer = _renderer(dev=dev)
    structlog.configure(
        processors=[*shared, renderer],
        # Not through `logging`, whose records cost more than the rest of a short answer.
        logger_factory=_Stderr,
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(shared, renderer))
    root = logging.getLogger()
    root.handlers, root.level = [handler], logging.INFO
    for name in _TOO_TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger(_TELLS_VALUES).setLevel(logging.CRITICAL + 1)


@contextmanager
def faults_told() -> Iterator[None]:
    """For a command: warnings and worse go to stderr, in lines for people, and nothing else."""
    structlog.configure(
        processors=[structlog.stdlib.add_log_level, _without_values, _renderer(dev=True)],
        logger_factory=_Stderr,
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        cache_logger_on_first_use=False,
    )
    try:
        yield
    finally:
        structlog.reset_defaults()


class _Stderr:
    """Writes one line after the other. Where nobody takes them, nobody fails for it either."""

    def __init__(self, *_name: str) -> None:
        self.debug = self.info = self.warning = self.error = self.critical = self.msg

    def msg(self, line: str) -> None:
        """Write a line, at once."""
        with suppress(OSError, ValueError):
            sys.stderr.write(line + "\n")
            sys.stderr.flush()


def _renderer(*, dev: bool) -> Processor:
    if dev:
        return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=10)
    return _as_json


def _as_json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    return _ENCODER.encode(event)


def _formatter(shared: _Chain, renderer: Processor) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        use_get_message=True,
    )


def _without_values(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace an exception by where it came from."""
    import traceback

    found = event.pop("exc_info", None)
    if found is True:
        found = sys.exc_info()
    error = found[1] if isinstance(found, tuple) else found
    if isinstance(error, BaseException):
        frames = traceback.extract_tb(error.__traceback__)
        event["fault"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        event["kind"] = type(error).__qualname__
    return event


def _without_nothing(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Leave out what is not there."""
    return {name: value for name, value in event.items() if value is not None}


_ENCODER = json.JSONEncoder(default=repr)
"""Made once: `json.dumps` makes one for each line."""
