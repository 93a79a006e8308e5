"""Looking at an installation from all sides: what is wrong, why, and what is to be done.

One module a topic: it looks, and judges what was seen; judging is pure.
"""

from identra.doctor.examination import examine
from identra.doctor.finding import Finding, Kind, Level
from identra.doctor.kinds import every_kind

__all__ = ["Finding", "Kind", "Level", "every_kind", "examine"]
