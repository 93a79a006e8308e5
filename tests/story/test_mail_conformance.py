"""The kit passes a provider for whom the core mails, and fails a twin for every rule it breaks."""

from __future__ import annotations

import sys
from itertools import count
from typing import TYPE_CHECKING

import pytest
from breaking import broken, of
from plugged import plugin

from identra.plugin import CodeProvider, EmailTrust
from identra.testing import MailConformance

if TYPE_CHECKING:
    from identra.plugin import Upstream

NUMBERS = count()


class Post(CodeProvider):
    name, contract = "post", 1
    email_trust = EmailTrust.always
    by_mail = True


class Linked(Post):
    with_link = True
    page = "https://app.example/in"


class PostRules(MailConformance):
    name, plugin = "post", "post_under_test"


class Pigeon(CodeProvider):
    """Its codes leave by no mail."""

    name, contract = "post", 1
    email_trust = EmailTrust.never

    def recipient(self, to: str) -> str:
        return to

    async def send(self, upstream: Upstream, to: str, text: str) -> None:
        del upstream, to, text


class Plain(Post):
    with_link = True
    page = "http://app.example/in"


class Following(Linked):
    """Each person's link is one of her own, by which she can be followed."""

    @property
    def page(self) -> str:  # type: ignore[override]
        return f"https://app.example/in/{next(NUMBERS)}"


TWINS = [("starts", Pigeon), ("starts", Plain), ("one_mail", Pigeon), ("one_page", Following)]


@pytest.fixture(autouse=True)
def _put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, PostRules.plugin, plugin("none"))


@pytest.mark.parametrize("right", [Post, Linked])
def test_a_right_provider_keeps_every_rule(right: type[Post]) -> None:
    assert broken(PostRules, of(right)) == {}


@pytest.mark.parametrize(("rule", "twin"), TWINS)
def test_the_kit_fails_a_twin_that_breaks_the_rule(rule: str, twin: type[CodeProvider]) -> None:
    assert set(broken(PostRules, of(twin), rule)) == {rule}


def test_every_rule_has_its_twin() -> None:
    assert {rule for rule, _ in TWINS} == {rule.name for rule in PostRules.rules}
