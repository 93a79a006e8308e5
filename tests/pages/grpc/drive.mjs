import assert from "node:assert/strict";
import { call } from "./grpc_client.js";
import { refresh, register, signIn, whoIs } from "./grpc_password.js";

const email = "grpc.js@example.com";
const password = "correct horse battery";

const first = await register(email, password);
assert.equal(first.token_type, "Bearer");
assert.equal(typeof first.access_token.expires_at, "number");
await assert.rejects(register(email, password), { reason: "EMAIL_TAKEN" });
await assert.rejects(register("else.js@example.com", "short"), (refused) => {
  assert.equal(refused.reason, "INVALID_ARGUMENT");
  assert.deepEqual(refused.details.map(({ field }) => field), ["password"]);
  assert.ok(refused.requestId);
  return true;
});
await assert.rejects(signIn(email, "wrong horse battery"), { reason: "INVALID_CREDENTIALS" });

const pair = await signIn(email, password);
const next = await refresh(pair.refresh_token.token, "a key");
const again = await refresh(pair.refresh_token.token, "a key");
assert.equal(next.refresh_token.token, again.refresh_token.token);
assert.equal((await whoIs(next.access_token.token)).email, email);
await assert.rejects(whoIs("nothing"), { reason: "INVALID_TOKEN" });
for (let turn = 0; turn < 5; turn++) await call("SendLoginEmailCode", { email });
await assert.rejects(call("SendLoginEmailCode", { email }), (refused) => {
  assert.equal(refused.reason, "RATE_LIMITED");
  assert.ok(refused.retryAfter > 0);
  return true;
});
process.exit(0); // an open channel keeps Node waiting
