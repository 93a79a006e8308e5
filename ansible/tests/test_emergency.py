"""A key has leaked: another one takes its place, at once and without a pause."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jwt
import plays
import pytest
from desk import Desk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plays import Site

EMAIL = "ada@example.com"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, common: dict[str, Any]) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("emergency")
    with plays.opened(folder, {"app": ["app1"]}, common) as site:
        site.played("site")
        Desk(site.host("app1")).welcome(EMAIL)
        yield site


@pytest.fixture(scope="module")
def desk(site: Site) -> Desk:
    return Desk(site.host("app1"))


def _ring(desk: Desk) -> list[dict[str, Any]]:
    keys: list[dict[str, Any]] = json.loads(desk.host.run("identra keys list --json").stdout)[
        "keys"
    ]
    return keys


def test_a_look_says_which_key_goes_and_leaves_it(site: Site, desk: Desk) -> None:
    (kid,) = desk.kids()
    looked = site.played("emergency_rotate", "--check")
    assert looked.changed == 0
    assert kid in looked.said
    assert desk.kids() == {kid}


def test_another_key_signs_and_the_sessions_of_the_former_end(site: Site, desk: Desk) -> None:
    before, pair = desk.kids(), desk.sign_in(EMAIL)
    site.played("emergency_rotate")
    assert not before & desk.kids()
    with pytest.raises(KeyError):
        desk.verify(pair)
    assert desk.refresh(pair)["reason"] == "INVALID_REFRESH_TOKEN"
    assert jwt.get_unverified_header(desk.sign_in(EMAIL)["access_token"]["token"])["kid"] in (
        desk.kids()
    )


def test_sessions_go_on_where_that_is_asked_for(site: Site, desk: Desk) -> None:
    pair = desk.sign_in(EMAIL)
    site.played("emergency_rotate", end_sessions=False)
    assert desk.verify(desk.refresh(pair)["token"])


def test_another_master_key_seals_and_nobody_is_signed_out(site: Site, desk: Desk) -> None:
    pair = desk.sign_in(EMAIL)
    (former,) = {key["sealed_by"] for key in _ring(desk)}
    said = site.folder / "group_vars/all.yml"
    said.parent.mkdir()
    said.write_text("identra_master_keys: [next.key]\n")
    site.played("reseal_keys", destroy=True)
    assert former not in {key["sealed_by"] for key in _ring(desk)}
    assert desk.host.run("ls /etc/identra/keys").stdout.split() == ["next.key"]
    assert desk.verify(pair)
    assert desk.verify(desk.refresh(pair)["token"])
    assert site.played("site").changed == 0


def test_a_list_that_the_play_can_not_change_is_refused(site: Site, desk: Desk) -> None:
    refused = site.play("reseal_keys", identra_master_keys=["other.key"])
    assert refused.code != 0
    assert "in the inventory, not with -e" in " ".join(refused.said.split())
    assert "other.key" not in desk.host.run("cat /etc/identra/current/units/identra.service").stdout
