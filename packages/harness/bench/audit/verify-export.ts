// Verifies a made export once, in a process of its own as an auditor does it, and prints what that took as one line of JSON:
//   verify-export.ts <folder> <origin> <vkey> bare|payloads
// What starting the process and reading its modules takes is not counted; what compiling them while they run takes is.

import { parseVerifierKey } from "@assent/tlog";
import { openLogFolder } from "../../src/cli/verify/log-folder.ts";
import { verifyLog } from "../../src/core/audit/verify-log.ts";
import type { LogSource } from "../../src/core/audit/verify-source.ts";

const [folder = "", origin = "", vkey = "", depth = ""] = process.argv.slice(2);
const key = parseVerifierKey(vkey);
if (!key.ok) throw new Error(key.error);
const whole = openLogFolder(folder);
const bare: LogSource = {
  read: (path, room) => (path.startsWith("payloads/") ? null : whole.read(path, room)),
  list: (path) => whole.list(path).filter(({ name }) => path !== "" || name !== "payloads"),
};
const cpu = process.cpuUsage();
const begun = performance.now();
const report = verifyLog({
  source: depth === "bare" ? bare : whole,
  origin,
  keys: [key.value],
  remembered: null,
  policy: null,
  now: new Date(),
  cosignedSince: null,
});
const wallMs = performance.now() - begun;
const { user, system } = process.cpuUsage(cpu);
const opened = depth === "bare" ? 0 : report.size;
if (!report.verified || report.opened !== opened)
  throw new Error(JSON.stringify(report.findings[0] ?? report));
// Of one event, in microseconds; and the most memory that the process had.
const done = {
  wallUs: (wallMs * 1e3) / report.size,
  cpuUs: (user + system) / report.size,
  memoryMb: process.resourceUsage().maxRSS / 1_024,
};
process.stdout.write(`${JSON.stringify(done)}\n`);
