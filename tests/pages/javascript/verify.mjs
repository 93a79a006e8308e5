// Tokens come as a JSON list; for each its subject is printed, or null if it is refused.
import { readFileSync } from "node:fs";
import { verify } from "./verify.js";

const judge = (token) =>
  verify(token).then(
    ({ sub }) => sub,
    () => null,
  );
const tokens = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(await Promise.all(tokens.map(judge))));
