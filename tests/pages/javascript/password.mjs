import assert from "node:assert/strict";
import { call } from "./identra.js";
import { register, signIn } from "./password.js";

const email = "password.js@example.com";
const password = "correct horse battery";

const first = await register(email, password);
assert.equal(first.token_type, "Bearer");
await assert.rejects(register(email, password), { reason: "EMAIL_TAKEN" });
await assert.rejects(register(email, "short"), { reason: "INVALID_ARGUMENT" });
await assert.rejects(signIn(email, "wrong horse battery"), { reason: "INVALID_CREDENTIALS" });

const { access_token } = await signIn(email, password);
const bearer = { Authorization: `Bearer ${access_token.token}` };
assert.equal((await call("/me/login-info", {}, bearer)).email, email);
