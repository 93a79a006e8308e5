import assert from "node:assert/strict";
import { call } from "./identra.js";
import { tell } from "./tell.js";

const told = (path, body) => call(path, body).then(assert.fail, tell);

const email = "tell.js@example.com";
const password = "correct horse battery";
assert.match(await told("/password/login", { email, password }), /address or the password/);
assert.equal(
  await told("/password/register", { email, password: "short" }),
  "The password needs at least 8 characters.",
);
assert.match(await told("/oauth/login", { code: "c", state: "s" }), /begin again/);
assert.match(await told("/nowhere", {}), /support can find it by [0-9a-f-]{36}/);
const asks = [1, 2, 3, 4, 5, 6].map(() => call("/email/code", { email }).then(() => "", tell));
assert.ok((await Promise.all(asks)).some((said) => /again in \d+ seconds/.test(said)));
assert.throws(() => tell(new TypeError("of ours")), TypeError);
