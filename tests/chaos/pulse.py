"""What goes on all the time beside everything else, to see how long it takes."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING

from chaos.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from chaos.ledger import Act, Entry
    from chaos.member import Member
    from chaos.storm import Storm

BEAT = 0.05
"""Seconds between two calls."""
NUMBER = 1000
"""Of the member whose the pulse is."""


@dataclass
class Pulse:
    """One caller who asks the same few things by turns, each of which must be served."""

    member: Member
    acts: Sequence[Act]
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def beats(self) -> list[Entry]:
        return [entry for entry in self.member.doors.ledger.entries if entry.act in self.acts]

    def go_on(self) -> None:
        by_act: dict[Act, Callable[[], None]] = {
            "keys": self.member.ask_for_keys,
            "info": self.member.ask_who_she_is,
            "refresh": self.member.refresh,
        }
        while not self.over.wait(BEAT):
            for act in self.acts:
                by_act[act]()

    def p99(self, act: Act, since: float, until: float) -> float:
        """Seconds in which all but one in a hundred were answered that began in that time."""
        took = sorted(
            beat.ended - beat.began
            for beat in self.beats
            if beat.act == act and since <= beat.began < until
        )
        return took[ceil(len(took) * 0.99) - 1]

    def failed(self) -> list[Entry]:
        return [beat for beat in self.beats if not beat.acknowledged]


@contextmanager
def pulse_of(storm: Storm, *acts: Act) -> Iterator[Pulse]:
    """A pulse meanwhile, by a session of its own, which it begins with."""
    member = storm.member(NUMBER, Ledger(also=storm.ledger))
    storm.members.append(member)
    pulse = Pulse(member, acts)
    while not pulse.member.sessions:
        pulse.member.sign_in_by_account()
    beating = threading.Thread(target=pulse.go_on, name="pulse")
    beating.start()
    try:
        yield pulse
    finally:
        pulse.over.set()
        beating.join()


def wait(seconds: float) -> tuple[float, float]:
    """Let time pass; from when until when."""
    began = time.monotonic()
    threading.Event().wait(seconds)
    return began, time.monotonic()
