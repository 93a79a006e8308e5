"""What is counted of the service, and how it is told to Prometheus.

Each worker writes its numbers into memory that its parent shares; the parent adds them up and
answers whoever asks (`teller`). Only `exposition` knows the library that writes Prometheus'
format, and only the teller asks for it.
"""

from identra.metrics.catalogue import EVERY, Metric
from identra.metrics.causes import CAUSES, OTHER, cause_of
from identra.metrics.ledger import Ledger
from identra.metrics.meter import Pen
from identra.metrics.sheet import Sheet

__all__ = ["CAUSES", "EVERY", "OTHER", "Ledger", "Metric", "Pen", "Sheet", "cause_of"]
