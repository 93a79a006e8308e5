"""Events on their way to those who are told of them: written, taken in turn, settled, looked at."""

from identra.dispatches.nouns import DEAD, DELIVERED, WAITING, Dispatch, Recorded
from identra.dispatches.queue import Queue
from identra.dispatches.reading import Count, Dispatches, Kept
from identra.dispatches.schedule import TRIES, next_try
from identra.dispatches.writing import Writer

__all__ = [
    "DEAD",
    "DELIVERED",
    "TRIES",
    "WAITING",
    "Count",
    "Dispatch",
    "Dispatches",
    "Kept",
    "Queue",
    "Recorded",
    "Writer",
    "next_try",
]
