"""Whose eyes a master key file may be for."""

from __future__ import annotations

import os

import pytest

from identra.master import _is_open_to_others

SERVICE = 998


@pytest.mark.parametrize(
    ("mode", "owner", "group", "is_open"),
    [
        (0o600, SERVICE, SERVICE, False),
        (0o400, SERVICE, 0, False),
        (0o440, 0, 0, False),
        (0o440, 0, SERVICE, True),
        (0o440, SERVICE, 0, True),
        (0o460, 0, 0, True),
        (0o444, 0, 0, True),
        (0o604, SERVICE, SERVICE, True),
    ],
)
def test_it_is_for_its_owner_and_for_whom_root_names(
    mode: int, owner: int, group: int, is_open: bool
) -> None:
    found = os.stat_result((mode, 0, 0, 1, owner, group, 44, 0, 0, 0))
    assert _is_open_to_others(found, credential=True) is is_open
    assert _is_open_to_others(found, credential=False) is bool(mode & 0o077)
