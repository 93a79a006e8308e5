"""Benchmarks: each subject beside a floor that is measured in the same run.

Stores are started as the tests start them, so the tests' folder is on the path.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "bench" / "results"

sys.path.append(str(ROOT / "tests"))
