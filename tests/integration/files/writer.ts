// A worker for the tests that kill it: opens a run's copy and overwrites one file for ever, a line of output each time.
// node --conditions=assent-source writer.ts <folder> <source> <run id> <commit>

import { randomBytes } from "node:crypto";
import { runIdSchema } from "@assent/contract";
import { openWorkspaces } from "../../../packages/harness/src/adapters/files/workspaces.ts";

const [folder = "", source = "", run = "", commit = ""] = process.argv.slice(2);
const workspaces = openWorkspaces({
  folder,
  sources: { source },
  random: { bytes: (count) => randomBytes(count) },
});
await workspaces.resolve("source");
process.stdout.write("resolved\n");
const opened = await workspaces.open(
  runIdSchema.parse(run),
  { name: "source", commit },
  new AbortController().signal,
);
if (!opened.ok) throw new Error(opened.error.detail);
for (let at = 0; ; at += 1) {
  const written = await opened.value.workspace.write("README.md", Buffer.from(`${at}\n`.repeat(10_000)));
  if (!written.ok) throw new Error(written.error.detail);
  process.stdout.write(`written ${at}\n`);
}
