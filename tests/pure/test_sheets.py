"""Numbers of several processes become one, and labels stay few."""

from __future__ import annotations

import ast
import os
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import pytest
from scraping import read

from identra.errors import every_error
from identra.metrics import EVERY, Ledger, Sheet, catalogue, cause_of, sheet
from identra.metrics.causes import CAUSES, KINDS, OTHER
from identra.metrics.exposition import write
from identra.sessions.ending import Reason
from identra.sessions.judgement import Verdict
from identra.tokens import INTEGERS, STRINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from identra.metrics import Pen

ROOT = Path(__file__).parents[2] / "identra"
NAMED = {"is no integer": INTEGERS, "is missing": STRINGS}
REFUSED = ("identra_tokens_refused_total", "cause=expired", "token=access")


def _work(ledger: Ledger, act: Callable[[Pen], None]) -> int:
    """Have a process of its own count something and end; its id."""
    ledger.prepare()
    pid = os.fork()
    if pid == 0:
        act(ledger.pen())
        os._exit(0)
    ledger.started(pid)
    os.waitpid(pid, 0)
    return pid


def _refuse(pen: Pen) -> None:
    pen.token_refused("expired")
    pen.provider_called("github", "answered", 0.3)
    pen.show({("identra_hash_queue",): 3, ("identra_redis_up",): 1, ("identra_ready",): 1})


def _told(ledger: Ledger) -> dict[tuple[str, ...], float]:
    return read(write(ledger.tell).decode())


def test_what_a_process_counted_outlives_it_and_what_it_showed_does_not() -> None:
    ledger = Ledger(2)
    first, second = _work(ledger, _refuse), _work(ledger, _refuse)
    told = _told(ledger)
    assert told[REFUSED] == 2
    assert told["identra_hash_queue",] == 6
    assert told["identra_ready", "worker=1"] == told["identra_ready", "worker=2"] == 1
    ledger.ended(first, "signal 9")
    assert _told(ledger)["identra_hash_queue",] == 3
    assert ("identra_ready", "worker=1") not in _told(ledger)
    third = _work(ledger, _refuse)
    for pid in (second, third):
        ledger.ended(pid, "exit 0")
    told = _told(ledger)
    assert told[REFUSED] == 3
    assert told["identra_provider_call_seconds_count", "provider=github"] == 3
    assert told["identra_provider_call_seconds_sum", "provider=github"] == pytest.approx(0.9)
    assert told["identra_worker_ends_total", "by=exit 0"] == 2
    assert ("identra_hash_queue",) not in told


def test_a_bucket_holds_what_took_no_longer_than_its_bound() -> None:
    ledger = Ledger(1)

    def act(pen: Pen) -> None:
        for seconds in (0.004, 0.005, 0.0051, 11):
            pen.provider_called("github", "answered", seconds)

    _work(ledger, act)
    told = _told(ledger)
    bounds = {"0.005": 2, "0.01": 3, "10.0": 3, "+Inf": 4}
    for bound, count in bounds.items():
        place = ("identra_provider_call_seconds_bucket", f"le={bound}", "provider=github")
        assert told[place] == count


def test_a_gauge_that_is_shown_no_more_is_told_no_more() -> None:
    ledger = Ledger(1)

    def act(pen: Pen) -> None:
        pen.show({("identra_keys", "passive", "ES256"): 1, ("identra_keys", "active", "ES256"): 1})
        pen.show({("identra_keys", "active", "ES256"): 1})

    _work(ledger, act)
    keys = [series for series in _told(ledger) if series[0] == "identra_keys"]
    assert keys == [("identra_keys", "algorithm=ES256", "state=active")]


def test_a_sheet_that_is_full_fails_nobody() -> None:
    full = Sheet()
    for number in range(sheet.NUMBERS):
        full.add(catalogue.EVENTS, (f"event {number}" * 9,))
    assert 1000 < len(full.read()) < sheet.NUMBERS


def test_a_sheet_whose_writer_went_mad_is_read_as_far_as_it_goes() -> None:
    mad = Sheet()
    mad.add(catalogue.EVENTS, ("login.succeeded",))
    mad._head[0] = sheet.NAMES - 3
    assert mad.read() == {("identra_events_total", "login.succeeded"): [1.0]}


def _details(file: str, kind: str) -> Iterator[str]:
    """The details that a module gives a refusal."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            continue
        if call.func.id == "_demand" and file == "tokens.py":
            yield from _texts(call.args[1])
        elif call.func.id == kind and call.args:
            yield from _texts(call.args[0])


def _texts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant):
        yield str(node.value)
    elif isinstance(node, ast.JoinedStr):
        first, last = node.values[0], node.values[-1]
        if isinstance(first, ast.Constant):
            yield str(first.value)
        elif isinstance(last, ast.Constant):
            yield from (f"{name}{last.value}" for name in NAMED[str(last.value).strip()])


@pytest.mark.parametrize(
    ("token", "kind", "files"),
    [
        ("access", "InvalidToken", ("tokens.py", "account.py", "introspection.py")),
        ("access", "InvalidToken", ("sessions/room.py",)),
        ("refresh", "InvalidRefreshToken", ("refresh.py", "sessions/room.py")),
    ],
)
def test_every_cause_for_which_a_token_is_refused_has_a_label(
    token: str, kind: str, files: tuple[str, ...]
) -> None:
    found = {detail for file in files for detail in _details(file, kind)}
    assert found
    assert [detail for detail in found if cause_of(token, detail) == OTHER] == []


def test_every_verdict_on_a_refresh_token_has_a_label() -> None:
    refusals = {v.value for v in Verdict} - {Verdict.advance.value, Verdict.repeat.value}
    assert {cause_of("refresh", verdict) for verdict in refusals} <= set(CAUSES["refresh"].values())


def test_what_nobody_named_is_other_and_what_follows_a_colon_is_never_told() -> None:
    assert cause_of("access", "a person's address") == OTHER
    assert cause_of("access", "malformed: Ada's token") == "malformed"


def test_the_reasons_told_from_the_start_are_among_those_that_there_are() -> None:
    known = {reason for (reason,) in catalogue.SESSIONS_REVOKED.known}
    assert "theft" in known
    assert known < set(get_args(Reason))
    assert set(KINDS) <= {error.reason for error in every_error()}


def test_names_are_as_prometheus_has_them() -> None:
    for metric in EVERY:
        assert metric.name.startswith("identra_")
        assert metric.name.endswith("_total") == (metric.kind == "counter")
        assert all(len(labels) == len(metric.labels) for labels in metric.known)
    assert len({metric.name for metric in EVERY}) == len(EVERY)
