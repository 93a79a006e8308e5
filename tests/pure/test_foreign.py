"""Hashes of other services open with their secret, and with nothing else."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identra import foreign
from identra.hashing import Asking, Hashing

SECRET = "correct horse bättery"
MADE = tomllib.loads((Path(__file__).parent / "foreign.toml").read_text())
DJANGO, PASSLIB, ARGON2 = MADE["django"], MADE["passlib"], MADE["argon2"]
EVERY = [*DJANGO.values(), *PASSLIB.values()]


async def verified(hashing: Hashing, hashed: str, secret: str) -> bool:
    with hashing.place(Asking()) as place:
        return await place.verify(hashed, secret)


@pytest.fixture
def hashing() -> Hashing:
    return Hashing(memory_kib=19_456, time_cost=2, parallelism=1, threads=1)


@pytest.mark.parametrize("hashed", EVERY, ids=lambda h: h[:20])
async def test_a_foreign_hash_opens_with_its_secret_alone_and_is_outdated(
    hashed: str, hashing: Hashing
) -> None:
    assert foreign.known(hashed)
    assert await verified(hashing, hashed, SECRET)
    assert not await verified(hashing, hashed, SECRET + "x")
    assert not await verified(hashing, hashed, "")
    assert hashing.outdated(hashed)
    assert not hashing.outdated(await hashing.hash(SECRET, Asking()))


@pytest.mark.parametrize("hashed", ARGON2.values(), ids=ARGON2)
async def test_argon2_of_others_is_native_and_outdated_by_its_costs(
    hashed: str, hashing: Hashing
) -> None:
    kept = foreign.native(hashed)
    assert foreign.known(kept)
    assert kept.startswith("$argon2id$")
    assert await verified(hashing, kept, SECRET)
    assert not await verified(hashing, kept, SECRET + "x")
    assert hashing.outdated(kept)


async def test_bcrypt_reads_the_72_bytes_that_its_maker_read(hashing: Hashing) -> None:
    hashed = "$2b$04$lmreY8kuOlfZ3GnT7Ub1cOK.0VXDHIijNx.jvYtjxbRSNjGs.yRw2"
    assert await verified(hashing, hashed, "x" * 80)
    assert not await verified(hashing, hashed, "x" * 71)


@pytest.mark.parametrize(
    "hashed",
    [
        "",
        "plain",
        "!unusable",
        "$2b$31$/xm8TsArkxCQ0cneHI45DuYUdW2ofSZAK660kq7WQHlAwGKMHTaN.",
        "$2b$00$/xm8TsArkxCQ0cneHI45DuYUdW2ofSZAK660kq7WQHlAwGKMHTaN.",
        PASSLIB["pbkdf2-sha256"].replace("1000", "50000000"),
        PASSLIB["pbkdf2-sha256"].replace("1000", "0"),
        PASSLIB["scrypt"].replace("ln=10", "ln=24"),
        DJANGO["scrypt"].replace("$1024$", "$1023$"),
        DJANGO["scrypt"].replace("$1024$", "$0$"),
        DJANGO["scrypt"].replace("==", "="),
        ARGON2["passlib"].replace("m=512", "m=4194304"),
        ARGON2["passlib"].replace("t=2", "t=900"),
        "$argon2id$rubbish",
        "md5$salt$5f4dcc3b5aa765d61d8327deb882cf99",
        "pbkdf2_sha256$1000$ü$t6fYUYUNa9utJdufrt0wuihc/9GJLMsVVJGgT1MOIts=",
        PASSLIB["bcrypt"] + "\n",
        "x" * 600,
    ],
    ids=lambda h: h[:24],
)
def test_a_cost_that_is_not_borne_and_a_spelling_that_is_not_known_are_refused(hashed: str) -> None:
    assert not foreign.known(hashed)


@given(st.text(max_size=80), st.sampled_from(EVERY), st.integers(0, 200))
def test_no_text_makes_the_reader_fail(noise: str, hashed: str, at: int) -> None:
    foreign.known(noise)
    foreign.known(hashed[:at] + noise + hashed[at:])
