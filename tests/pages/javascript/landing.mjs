// Identra's own page for mailed links, in a document with just the elements that it names.
import assert from "node:assert/strict";
import { runInNewContext } from "node:vm";

const page = await (await fetch(`${process.argv[2]}/desk_link/link`)).text();
const script = page.match(/<script>(.*?)<\/script>/s)[1];
const ids = [...page.matchAll(/ id="(\w+)"/g)].map(([, id]) => id);

function open(hash) {
  const elements = Object.fromEntries(
    ids.map((id) => [
      id,
      { hidden: id === "show", textContent: "", addEventListener(_, act) { this.click = act; } },
    ]),
  );
  const location = { hash, pathname: "/desk_link/link" };
  const shown = { replaced: [], elements };
  runInNewContext(script, {
    location,
    history: { replaceState: (...said) => shown.replaced.push(said[2]) },
    document: { getElementById: (id) => elements[id] },
  });
  return shown;
}

// The code is shown when the person asks for it, and leaves the address bar at once.
const { replaced, elements } = open("#code=012345");
assert.deepEqual(replaced, ["/desk_link/link"]);
assert.equal(elements.show.hidden, false);
assert.ok(!JSON.stringify(elements).includes("012345"));
elements.show.click();
assert.equal(elements.code.textContent, "012345");
assert.equal(elements.show.hidden, true);

// Nothing else that a link may bring is shown to anybody.
for (const hash of ["", "#", "#code=", "#code=12345", "#code=12345678901", "#code=<b>1</b>",
  "#code=123456&x", "#code=pay%20me", "#code=123456\n", "#CODE=123456"]) {
  const { elements: idle, replaced: gone } = open(hash);
  assert.equal(idle.show.hidden, true, hash);
  assert.equal(idle.code.textContent + idle.says.textContent, "", hash);
  assert.equal(gone.length, 1);
}
