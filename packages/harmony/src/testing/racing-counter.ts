// One of the processes that racing.ts starts: node racing-counter.ts <root> <pattern> <resolution> <calls>

import { readSync, writeSync } from "node:fs";
import { openFsStore } from "../fs-store.ts";
import { moment, robot } from "./samples.ts";

const [root = "", patternId = "", resolutionId = "", calls = "0"] = process.argv.slice(2);
const store = openFsStore(root);
writeSync(1, "ready\n");
readSync(0, new Uint8Array(3));
for (let call = 0; call < Number(calls); call += 1) {
  await store.addExperience(patternId, resolutionId, "applied", robot, moment(call));
}
writeSync(1, JSON.stringify("done"));
