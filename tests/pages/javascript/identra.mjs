import assert from "node:assert/strict";
import { call, Refused } from "./identra.js";

assert.deepEqual(await call("/healthz"), { status: "ok" });

const refusal = async (path, body, headers) => {
  const error = await call(path, body, headers).then(assert.fail, (error) => error);
  assert.ok(error instanceof Refused);
  return error;
};

const missing = await refusal("/password/login", { email: "identra.js@example.com" });
assert.equal(missing.reason, "INVALID_ARGUMENT");
assert.deepEqual(missing.details, [{ field: "password", message: "is required" }]);
assert.equal(missing.retryAfter, 0);

const named = await refusal("/nowhere", {}, { "X-Request-ID": "a-test" });
assert.equal(named.requestId, "a-test");

const email = "slow.js@example.com";
const asks = [1, 2, 3, 4, 5, 6].map(() => call("/email/code", { email }));
const limited = (await Promise.allSettled(asks)).find(({ status }) => status === "rejected").reason;
assert.equal(limited.reason, "RATE_LIMITED");
assert.ok(limited.retryAfter > 0);
