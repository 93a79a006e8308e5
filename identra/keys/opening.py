"""Opening the ring: rows in, keys out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from jwcrypto.common import JWException
from jwcrypto.jwk import JWK

from identra.keys.nouns import PUBLISHED, Jwks, NoKeysError, Ring, RingSecret, SigningKey
from identra.master import MasterKeyError
from identra.secret import digest, from_base64url

if TYPE_CHECKING:
    from identra.master import MasterKeys


def open_ring(rows: list[dict[str, Any]], master: MasterKeys, former: Ring | None) -> Ring:
    """The ring that these rows make; keys whose rows are as before are not opened again.

    Raises NoKeysError, and MasterKeyError where a row can't be opened.
    """
    live = {row["id"]: row for row in rows if row["state"] in PUBLISHED}
    same = {kid for kid, row in live.items() if former and former.rows.get(kid) == row}
    pairs = {
        kid: former.verifiers[kid] if former and kid in same else _open_pair(row, master)
        for kid, row in live.items()
        if row["purpose"] == "sig"
    }
    secrets = {
        kid: former.secrets[kid] if former and kid in same else _open_secret(row, master)
        for kid, row in live.items()
        if row["purpose"] == "mac"
    }
    active = {row["purpose"]: kid for kid, row in live.items() if row["state"] == "active"}
    if not {"sig", "mac"} <= set(active):
        raise NoKeysError("the database holds no active key; run `identra keys init`")
    return Ring(
        signer=pairs[active["sig"]],
        verifiers=pairs,
        secret=secrets[active["mac"]],
        secrets=secrets,
        jwks=_publish([live[kid] for kid in sorted(pairs)]),
        rows=live,
    )


def _open_pair(row: dict[str, Any], master: MasterKeys) -> SigningKey:
    opened = master.open(row["sealed"], row["sealed_by"])
    try:
        jwk = JWK.from_json(opened)
        whole = jwk.export_public(as_dict=True) == json.loads(row["public"])
    except (JWException, ValueError):
        raise _no_key(row) from None  # the fault would hold what was opened
    if not whole:
        raise MasterKeyError(f"key {row['id']}: its public and its sealed part differ")
    return SigningKey(row["id"], row["algorithm"], jwk)


def _open_secret(row: dict[str, Any], master: MasterKeys) -> RingSecret:
    opened = master.open(row["sealed"], row["sealed_by"])
    try:
        return RingSecret(row["id"], from_base64url(opened))
    except ValueError:
        raise _no_key(row) from None


def _no_key(row: dict[str, Any]) -> MasterKeyError:
    return MasterKeyError(f"key {row['id']}: what is sealed there is no key of its kind")


def _publish(rows: list[dict[str, Any]]) -> Jwks:
    body = json.dumps({"keys": [json.loads(row["public"]) for row in rows]}, sort_keys=True)
    algorithms = tuple(sorted({row["algorithm"] for row in rows}))
    return Jwks(body.encode(), f'"{digest("jwks", body)[:32]}"', algorithms)
