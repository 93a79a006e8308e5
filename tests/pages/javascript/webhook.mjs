import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { verify } from "./webhook.js";

const SECRET = "whsec_ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1+f4CBgoM=";
const FORMER = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const BODY = Buffer.from('{"type":"user.created","timestamp":"2026-11-26T20:26:10Z","data":{}}');
const now = Math.floor(Date.now() / 1000);

// The specification's own vector, so that this driver signs as Identra does.
const sign = (key, id, at, body) =>
  "v1," + createHmac("sha256", key).update(`${id}.${at}.${body}`).digest("base64");
assert.equal(
  sign(
    Buffer.from("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "base64"),
    "msg_p5jXN8AQM9LWM0D4loKWxJek",
    1614265330,
    '{"test": 2432232314}',
  ),
  "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
);
const sent = (secrets, at) => ({
  "webhook-id": "01a20f16",
  "webhook-timestamp": String(at),
  "webhook-signature": secrets
    .map((one) => sign(Buffer.from(one.slice(6), "base64"), "01a20f16", at, BODY))
    .join(" "),
});

assert.equal(verify(SECRET, sent([SECRET], now), BODY).type, "user.created");
assert.equal(verify(SECRET, sent([FORMER, SECRET], now), BODY).type, "user.created");
const refused = [
  [sent([FORMER], now), BODY],
  [sent([SECRET], now), Buffer.from(String(BODY).replace("created", "deleted"))],
  [{ ...sent([SECRET], now), "webhook-id": "another" }, BODY],
  [{ ...sent([SECRET], now), "webhook-timestamp": String(now + 1) }, BODY],
  [sent([SECRET], now - 600), BODY],
  [sent([SECRET], now + 600), BODY],
  [{ ...sent([SECRET], now), "webhook-timestamp": "now" }, BODY],
  [{ ...sent([SECRET], now), "webhook-signature": "v1,é v1a," }, BODY],
  [{}, BODY],
  [{ "webhook-timestamp": String(now) }, BODY],
];
for (const [headers, body] of refused) {
  assert.throws(() => verify(SECRET, headers, body), /not sent just now|not signed by this secret/);
}
