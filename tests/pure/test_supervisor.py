"""Who is told how the service fares, by the variables that systemd starts it with."""

from __future__ import annotations

import os

import pytest

from identra.systemd import Systemd, Unsupervised, supervisor

OURS = str(os.getpid())


@pytest.mark.parametrize("address", ["", "notify", "vsock:2:1234"])
def test_nobody_is_told_where_there_is_no_socket(address: str) -> None:
    assert isinstance(supervisor({"NOTIFY_SOCKET": address}), Unsupervised)
    assert isinstance(supervisor({}), Unsupervised)


@pytest.mark.parametrize(
    ("variables", "every"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": OURS}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
    ids=["none", "of nobody", "of this process", "of another", "never", "rubbish"],
)
def test_a_sign_of_life_is_sent_where_this_process_is_asked(
    variables: dict[str, str], every: float | None
) -> None:
    environ = {"NOTIFY_SOCKET": "/run/notify", "PATH": "/bin", **variables}
    told = supervisor(environ)
    assert isinstance(told, Systemd)
    assert told.every == every
    assert environ == {"PATH": "/bin"}


def test_a_manager_that_is_gone_stops_nothing() -> None:
    told = Systemd("/nowhere/at/all", 30.0)
    told.ready()
    told.answered(1.0)
    told.stopping()
