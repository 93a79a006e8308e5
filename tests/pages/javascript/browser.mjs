// What the drivers share: a mailbox, and the little of a browser that the pages' code asks for.
const URL_OF_SERVICE = process.argv[2];

export async function mailedCode(email) {
  const answer = await fetch(`${URL_OF_SERVICE}/dev/outbox`);
  const { messages } = await answer.json();
  return messages.findLast(({ to }) => to === email).text.match(/\b\d{6}\b/)[0];
}

export const another = (code) => (code === "000000" ? "000001" : "000000");

const shelf = new Map();

/** A tab: what it stores, where it is, and where it was sent. */
export const tab = { sentTo: undefined };

const put = (name, value) => Object.defineProperty(globalThis, name, { value, writable: true });

put("sessionStorage", {
  getItem: (name) => shelf.get(name) ?? null,
  setItem: (name, value) => shelf.set(name, String(value)),
  removeItem: (name) => shelf.delete(name),
});
put("location", {
  search: "",
  assign: (url) => {
    tab.sentTo = url;
  },
});

/** The visitor says yes at GitHub: the query with which the tab comes back. */
export async function approve() {
  const answer = await fetch(tab.sentTo, { redirect: "manual" });
  return new URL(answer.headers.get("location"));
}
