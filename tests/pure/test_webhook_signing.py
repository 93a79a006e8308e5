"""Signatures and secrets as Standard Webhooks 1.0.0 writes them."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identra.settings.webhooks import Webhook, key_of
from identra.webhooks.signing import headers_of, sign

KEY_OF_THE_LIBRARIES = b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
keys = st.binary(min_size=32, max_size=64).filter(lambda key: len(set(key)) >= 8)


def test_it_is_the_signature_that_the_specification_s_libraries_are_tested_by() -> None:
    signed = sign(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
        KEY_OF_THE_LIBRARIES,
    )
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@given(st.uuids(), st.integers(0, 2**40), st.binary(), st.lists(keys, min_size=1, max_size=4))
def test_every_key_signs_in_its_order(
    uuid: object, at: int, body: bytes, signing: list[bytes]
) -> None:
    headers = headers_of(str(uuid), at, body, signing)
    signatures = headers["webhook-signature"].split(" ")
    said = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    due = [hmac.new(key, said, hashlib.sha256).digest() for key in signing]
    assert [b64decode(one.removeprefix("v1,")) for one in signatures] == due


@pytest.mark.parametrize(
    "message_id", ["", "msg.1", "msg\u00e9"], ids=["none", "a stop", "no ASCII"]
)
def test_an_id_that_could_be_read_as_more_is_not_signed(message_id: str) -> None:
    with pytest.raises(ValueError, match="full stop"):
        headers_of(message_id, 1, b"{}", [KEY_OF_THE_LIBRARIES])


@given(keys)
def test_a_secret_of_256_bits_is_read_as_it_is_spelled(key: bytes) -> None:
    assert key_of("whsec_" + b64encode(key).decode()) == key


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        "whsec_" + b64encode(bytes(range(31))).decode(),
        "whsec_" + b64encode(bytes(range(65))).decode(),
        "whsec_" + b64encode(bytes(32)).decode(),
        "whsk_" + b64encode(bytes(range(32))).decode(),
        b64encode(bytes(range(32))).decode(),
        "whsec_" + "é" * 43,
        "whsec_" + b64encode(bytes(range(32))).decode() + "\n",
    ],
    ids=["none", "empty", "short", "long", "zeros", "private key", "no prefix", "no ASCII", "more"],
)
def test_a_weak_or_odd_secret_is_refused_and_not_repeated(secret: str) -> None:
    with pytest.raises(ValueError, match="random bytes") as caught:
        Webhook(url="https://app.example", secrets=(secret,))  # type: ignore[arg-type]
    assert len(secret) < 7 or secret not in str(caught.value)
