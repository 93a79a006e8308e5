"""Telling others what happened, by the Standard Webhooks specification (1.0.0)."""

from identra.webhooks.delivering import Delivery
from identra.webhooks.rehearsal import send_test
from identra.webhooks.sending import Sender, Verdict, judge
from identra.webhooks.target import Target, read_targets, wanted_by

__all__ = [
    "Delivery",
    "Sender",
    "Target",
    "Verdict",
    "judge",
    "read_targets",
    "send_test",
    "wanted_by",
]
