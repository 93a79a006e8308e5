// Go comes in; what gofmt makes of it goes out. Code that does not parse ends the program.
import { readFileSync } from "node:fs";
import { format } from "@wasm-fmt/gofmt";

process.stdout.write(format(readFileSync(0, "utf8")));
