import assert from "node:assert/strict";
import { another, mailedCode } from "./browser.mjs";
import { confirm, register, signIn } from "./password.js";

const email = "confirm.js@example.com";
const password = "correct horse battery";

assert.equal(await register(email, password), undefined);
await assert.rejects(signIn(email, password), { reason: "INVALID_CREDENTIALS" });
const code = await mailedCode(email);
await assert.rejects(confirm(email, another(code), password), { reason: "INVALID_CODE" });
assert.equal((await confirm(email, code, "another horse battery")).token_type, "Bearer");
await signIn(email, "another horse battery");
