"""A range that holds other secrets, for Identra's rules to be run offline."""

import hashlib
from collections.abc import Mapping
from typing import Any

from identra.testing import HooksConformance


class PwnedConformance(HooksConformance):
    """The one place that is asked."""

    name = "pwned"
    plugin = "identra_pwned"

    def replies(self) -> Mapping[str, Any]:
        """The range that the chosen secret would be in, with a row that merely pads it."""
        prefix = hashlib.sha1(self.chosen.encode(), usedforsecurity=False).hexdigest()[:5].upper()
        rows = f"{'0' * 35}:3\r\n{'F' * 35}:0"
        return {f"https://api.pwnedpasswords.com/range/{prefix}": rows.encode()}
