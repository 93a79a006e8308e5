import assert from "node:assert/strict";
import { elsewhere, mailedLinks, open } from "./browser.mjs";
import { arrive, send, signIn } from "./link.js";

const email = "link.js@example.com";
const stranger = "stranger.link.js@example.com";

// An attacker asks for a link to his own account, and keeps it for her.
await send(stranger);
const [trap] = await mailedLinks(stranger);
elsewhere();

// Opened where nobody asked, it can but show its code.
open(trap);
assert.deepEqual(arrive(), { code: trap.hash.slice("#code=".length), email: undefined });

await send(email);
const links = await mailedLinks(email);
assert.equal(links.length, 2);
const [link] = links;
assert.equal(link.origin + link.pathname, "http://localhost:3000/link");

// Opened where she has just asked, it meets her address and not his.
open(trap);
const trapped = arrive();
assert.equal(trapped.email, email);
if (trap.hash !== link.hash) assert.equal(await signIn(trapped), undefined);

open(link);
const arrived = arrive();
assert.equal(arrived.email, email);
assert.equal(location.hash, "");
assert.equal((await signIn(arrived)).token_type, "Bearer");

// It is good once, and what the browser remembered is gone with it.
open(link);
assert.equal(arrive().email, undefined);
assert.equal(await signIn(arrived), undefined);
await assert.rejects(send("nobody"), { reason: "INVALID_ARGUMENT" });
