import assert from "node:assert/strict";
import { register } from "./password.js";
import { refresh, signOut } from "./session.js";

const first = { token: await register("session.js@example.com", "correct horse battery") };
const saved = [];
const save = async (session) => saved.push(session);

const second = await refresh(first, save);
assert.notEqual(second.token.refresh_token.token, first.token.refresh_token.token);
assert.equal(saved.length, 2);
assert.ok(saved[0].key, "the key is saved before the question is asked");
assert.deepEqual(saved[1], second);

// The answer was lost: what was saved before the question brings the same successor.
const again = await refresh(saved[0], save);
assert.deepEqual(again.token.refresh_token, second.token.refresh_token);

await signOut(second);
assert.equal(await refresh(second, save), undefined);
