"""A service at its start makes what lasts, and never looks through it for garbage again."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import gc
from identra.lasting import making

kept = []
with making():
    kept += ([] for _ in range(50_000))
    assert not gc.isenabled()
try:
    with making():
        raise KeyError
except KeyError:
    pass
assert gc.isenabled()
before = {id(one) for one in kept}
assert not any(id(one) in before for one in gc.get_objects())
ring = []
ring.append(ring)
del ring
assert gc.collect() == 1
"""


def test_what_is_made_at_a_start_is_left_alone_and_later_garbage_is_found() -> None:
    """In a process of its own: what is left alone is so for good."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
