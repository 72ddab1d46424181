// A process that stores one artifact and is killed at its k-th file operation: `<folder> <text> <k> <before|after>`.
// It prints the names of the operations that it began, one a line.

import { randomBytes } from "node:crypto";
import { writeSync } from "node:fs";
import { createFailpoints, withFailpoints } from "@assent/suite";
import { openArtifactFiles } from "../../../packages/harness/src/adapters/files/artifact-files.ts";
import { diskOperations } from "../../../packages/harness/src/adapters/files/file-operations.ts";

const [folder = "", text = "", k = "0", when = "before"] = process.argv.slice(2);
const points = createFailpoints();
const operations = withFailpoints(diskOperations, "fs", points, [
  "makeFolder",
  "list",
  "read",
  "size",
  "create",
  "sync",
  "rename",
  "remove",
]);
points.arm(null, Number(k), {
  do: "run",
  when: when === "after" ? "after" : "before",
  what: () => {
    writeSync(1, `killed ${when} ${points.fired() ?? ""}\n`);
    process.kill(process.pid, "SIGKILL");
  },
});
const files = openArtifactFiles({
  folder,
  random: { bytes: (count) => randomBytes(count) },
  operations,
});
const stored = await files.put(new TextEncoder().encode(text));
writeSync(1, `stored ${stored.sha256} after ${points.calls().length}\n`);
