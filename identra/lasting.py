"""What is made at a start and lasts as long as the process: the garbage collector leaves it alone.

Some 120,000 objects are there before the first call. To look through all of them held a worker up
for a tenth of a second, again and again; and whoever looks through what was there before a fork
makes a copy of it.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def making() -> Iterator[None]:
    """What is made within lasts: no garbage is looked for meanwhile, nor in it ever after."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
