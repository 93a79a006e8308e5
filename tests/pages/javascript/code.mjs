import assert from "node:assert/strict";
import { another, mailedCode } from "./browser.mjs";
import { send, signIn } from "./code.js";

const email = "code.js@example.com";
await send(email);
const code = await mailedCode(email);
assert.equal(await signIn(email, another(code)), undefined);
assert.equal((await signIn(email, code)).token_type, "Bearer");
assert.equal(await signIn(email, code), undefined);
await assert.rejects(send("nobody"), { reason: "INVALID_ARGUMENT" });
