"""What operators do to users; every act stands in the events with who did it."""

from identra.office.acts import OPERATOR, PASSWORD, Acts, Proof
from identra.office.desk import Office

__all__ = ["OPERATOR", "PASSWORD", "Acts", "Office", "Proof"]
