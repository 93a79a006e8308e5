import time

import pytest
import webhook

from identra.settings.webhooks import key_of
from identra.webhooks.signing import headers_of

SECRET = "whsec_ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1+f4CBgoM="
FORMER = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
BODY = b'{"type":"user.created","timestamp":"2026-11-26T20:26:10Z","data":{"user_id":"u"}}'


def sent(secrets: list[str], at: float) -> dict[str, str]:
    return dict(headers_of("01a20f16", int(at), BODY, [key_of(one) for one in secrets]))


now = time.time()
assert webhook.verify(SECRET, sent([SECRET], now), BODY)["type"] == "user.created"
assert webhook.verify(SECRET, sent([FORMER, SECRET], now), BODY)["data"] == {"user_id": "u"}
refused = [
    (sent([FORMER], now), BODY),
    (sent([SECRET], now), BODY.replace(b"user.created", b"user.deleted")),
    (sent([SECRET], now) | {"webhook-id": "another"}, BODY),
    (sent([SECRET], now) | {"webhook-timestamp": str(int(now) + 1)}, BODY),
    (sent([SECRET], now - 600), BODY),
    (sent([SECRET], now + 600), BODY),
    (sent([SECRET], now) | {"webhook-timestamp": "now"}, BODY),
    (sent([SECRET], now) | {"webhook-signature": "v1,é v1a,"}, BODY),
    ({}, BODY),
    ({"webhook-timestamp": str(int(now))}, BODY),
]
for headers, body in refused:
    with pytest.raises(ValueError, match=r"^not s"):
        webhook.verify(SECRET, headers, body)
