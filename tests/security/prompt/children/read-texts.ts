// Reads texts as a harness does that has run for long: told on its input as a list of JSON, answered on its output.

import { readFileSync } from "node:fs";
import { whatIsRead } from "./what-is-read.ts";

const texts: unknown = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(
  JSON.stringify(Array.isArray(texts) ? texts.map((text) => whatIsRead(String(text))) : []),
);
