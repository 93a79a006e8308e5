"""Logs are one line a fact, and a fault in them holds no value."""

from __future__ import annotations

import json
import subprocess
import sys

SCRIPT = """
import logging, structlog
from identra import log
log.configure(dev={dev})
structlog.get_logger("identra").info("answered", route="/x", peer=None)
try:
    secret = "s3cret"
    raise ValueError(secret)
except ValueError:
    logging.getLogger("library").exception("it broke")
    structlog.get_logger("identra").exception("ours broke")
logging.getLogger("httpx").info("GET https://example.com/?code=s3cret")
logging.getLogger("library").warning("%s of %s", 1, 2)
"""


def _logged(*, dev: bool) -> str:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(dev=dev)], capture_output=True, text=True, check=True
    )
    assert done.stdout == ""
    return done.stderr


def test_outside_development_each_line_is_json_without_a_value() -> None:
    text = _logged(dev=False)
    assert "s3cret" not in text
    first, theirs, ours, last = [json.loads(line) for line in text.splitlines()]
    assert (first["event"], first["route"], first["level"]) == ("answered", "/x", "info")
    assert "peer" not in first
    assert theirs["kind"] == ours["kind"] == "ValueError"
    assert theirs["fault"][0].endswith("<module>")
    assert (last["event"], last["logger"]) == ("1 of 2", "library")


def test_in_development_lines_are_for_people_and_hold_no_value_either() -> None:
    text = _logged(dev=True)
    assert "s3cret" not in text
    assert "answered" in text
    assert not text.startswith("{")
