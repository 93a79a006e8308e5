// Takes out of the lock what names a place and installs nothing: npm writes it whatever it is told.
import { readFileSync, writeFileSync } from "node:fs";

const file = "package-lock.json";
const lock = JSON.parse(readFileSync(file, "utf8"));
for (const held of Object.values(lock.packages)) delete held.funding;
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
