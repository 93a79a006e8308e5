"""One spelling for each address; whatever has none is refused with the field's name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identra.address import LONGEST, spell
from identra.errors import InvalidArgument

SPELLINGS = {
    "ada@example.com": "ada@example.com",
    "  Ada@Example.COM ": "ada@example.com",
    "a.b+c@example.com": "a.b+c@example.com",
    "ada@exämple.com": "ada@xn--exmple-cua.com",
    "ada@XN--EXMPLE-CUA.com": "ada@xn--exmple-cua.com",
}

REFUSED = [
    "",
    "ada",
    "@example.com",
    "ada@",
    "ada@localhost",
    "ada@1.2.3.4",
    "ada@[127.0.0.1]",
    '"ada"@example.com',
    "a..b@example.com",
    ".a@example.com",
    "ada\uff20example.com",
    "\uff41da@example.com",
    "äda@example.com",
    "ada@example.com, eve@example.com",
    "Ada <ada@example.com>",
    "ada@example.com\n",
    "ada@example.com\r\nBcc: eve@example.com",
    "\tada@example.com",
    "ada@exa\x00mple.com",
    "ada@example.com.",
    "ada@exam_ple.com",
    "a" * 65 + "@example.com",
    "ada@" + "a" * 64 + ".com",
    "ada@" + ".".join(["a" * 60] * 5) + ".com",
]


@pytest.mark.parametrize(("raw", "spelled"), SPELLINGS.items())
def test_an_address_has_one_spelling(raw: str, spelled: str) -> None:
    assert spell(raw) == spelled


@pytest.mark.parametrize("raw", REFUSED)
def test_what_is_no_address_is_refused_by_its_field(raw: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        spell(raw, field="to")
    assert [fault.field for fault in refused.value.faults] == ["to"]


@given(st.text(max_size=80) | st.emails())
def test_a_spelling_is_plain_short_and_its_own_spelling(raw: str) -> None:
    """Whatever comes in, what comes out is printable ASCII in lower case, and stable."""
    try:
        spelled = spell(raw)
    except InvalidArgument:
        return
    assert spelled.isascii()
    assert spelled.isprintable()
    assert spelled == spelled.lower()
    assert len(spelled) <= LONGEST
    assert " " not in spelled
    assert spell(spelled) == spelled
