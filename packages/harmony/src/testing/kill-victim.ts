// A process that dies by SIGKILL at its k-th file operation: node kill-victim.ts <root> <record|resolve> <k>

import { openFsStore } from "../fs-store.ts";
import { fakeId } from "../ids.ts";
import { strikeAt } from "./faulty-operations.ts";
import { ann, escalation, moment } from "./samples.ts";

const [root = "", act = "", k = ""] = process.argv.slice(2);
const { operations, count } = strikeAt(Number(k), () => {
  process.kill(process.pid, "SIGKILL");
  // The signal is delivered before the call returns; should it not be, the test sees this process end otherwise.
  throw new Error("survived SIGKILL");
});
const store = openFsStore(root, { ...operations, process: { ...operations.process, pid: process.pid } });
if (act === "record") await store.recordEscalation(escalation("e"));
else await store.resolveEscalation(escalation("e").escalationId, fakeId("r"), ann, moment(9));
process.stdout.write(String(count()));
