import assert from "node:assert/strict";
import { approve, tab } from "./browser.mjs";
import { begin, finish } from "./github.js";

await begin();
const asked = new URL(tab.sentTo).searchParams;
assert.equal(asked.get("redirect_uri"), "http://localhost:3000/callback");
const back = await approve();
assert.equal(back.origin + back.pathname, "http://localhost:3000/callback");

// What somebody else began is refused before Identra is asked, and spends nothing of theirs.
location.search = "?code=c0de&state=of-somebody-else";
await assert.rejects(finish(), /begun/);

await begin();
location.search = (await approve()).search;
const welcome = await finish();
assert.equal(welcome.username, "grace");
assert.equal(welcome.email, "grace@example.com");
assert.equal(welcome.token.token_type, "Bearer");

// The page loaded again has nothing left to bring.
await assert.rejects(finish(), /begun/);

await begin();
const state = new URL(tab.sentTo).searchParams.get("state");
location.search = `?error=access_denied&state=${state}`;
assert.equal(await finish(), undefined);

// Without the verifier that began it, nobody can finish it.
await begin();
location.search = (await approve()).search;
const kept = JSON.parse(sessionStorage.getItem("github"));
const other = { ...kept, verifier: "a".repeat(43) };
sessionStorage.setItem("github", JSON.stringify(other));
await assert.rejects(finish());
