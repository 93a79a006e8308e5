// What the drivers share: a mailbox, and the little of a browser that the pages' code asks for.
const URL_OF_SERVICE = process.argv[2];

async function newestMail(email) {
  const answer = await fetch(`${URL_OF_SERVICE}/dev/outbox`);
  const { messages } = await answer.json();
  return messages.findLast(({ to }) => to === email);
}

export async function mailedCode(email) {
  return (await newestMail(email)).text.match(/\b\d{6}\b/)[0];
}

/** The links in the newest mail: those of the text and those of the HTML beside it. */
export async function mailedLinks(email) {
  const { text, html } = await newestMail(email);
  return [...`${text} ${html}`.matchAll(/https?:[^\s"<]+/g)].map(([link]) => new URL(link));
}

export const another = (code) => (code === "000000" ? "000001" : "000000");

function storage() {
  const shelf = new Map();
  return {
    getItem: (name) => shelf.get(name) ?? null,
    setItem: (name, value) => shelf.set(name, String(value)),
    removeItem: (name) => shelf.delete(name),
  };
}

/** A tab: what it stores, where it is, and where it was sent. */
export const tab = { sentTo: undefined };

const put = (name, value) => Object.defineProperty(globalThis, name, { value, writable: true });

put("sessionStorage", storage());
put("localStorage", storage());
put("history", {
  replaceState: (_state, _title, path) => {
    location.pathname = path;
    location.hash = "";
  },
});
put("location", {
  search: "",
  hash: "",
  pathname: "/",
  assign: (url) => {
    tab.sentTo = url;
  },
});

/** A link from a mail opens a tab here. */
export function open(link) {
  location.pathname = link.pathname;
  location.hash = link.hash;
}

/** Another device of hers, or another person's: nothing is remembered there. */
export const elsewhere = () => put("localStorage", storage());

/** The visitor says yes at GitHub: the query with which the tab comes back. */
export async function approve() {
  const answer = await fetch(tab.sentTo, { redirect: "manual" });
  return new URL(answer.headers.get("location"));
}
