"""No picture of this process's memory on a disk: it holds private keys."""

from __future__ import annotations

import ctypes
import resource
import sys
from typing import Final

_PR_SET_DUMPABLE: Final = 4
"""From linux/prctl.h."""


def forbid() -> None:
    """Leave no core dump, here and in every process forked from here on.

    On Linux, neither can another process of the same user read this one's memory then, nor attach
    a debugger to it, and a program that takes core dumps gets none: those heed no size limit.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
