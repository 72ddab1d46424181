// Prints what one whole decision costs (labels, what the task names of 60 tools, which a run reads once, circumstances, rules) for a call of ten arguments in a run that has read
// untrusted text, at growing sizes of it: 1 ms at p50 and 5 ms at p99 are allowed for 1 MB. `new`: Cedar was never asked
// this question before (another requester each time); `again`: it was (rules are asked about origins, not about values).
// Of wall time and CPU time the smaller counts: the one counts what others do on the machine, the other what other
// threads do here.
// Run: npm run bench:decide

import { openCedarPolicies } from "../src/adapters/cedar/policies.ts";
import { shippedPolicyFolder } from "../src/adapters/cedar/policy-folder.ts";
import { circumstancesOf } from "../src/core/decide/circumstances.ts";
import { toolsNamed } from "../src/core/decide/tool-naming.ts";
import { isPieced } from "../src/core/label/pairing.ts";
import { createOriginIndex } from "../src/core/label/origins.ts";

const SIZES = [10_000, 100_000, 1_000_000, 4_000_000];
const WARM_UPS = 300;
const DECISIONS = 2_000;
/** What one tool returns at most (TOOL_OUTPUT_CHARS_MAX of base/limits.ts). */
const OUTPUT_CHARS = 64_000;
const TASK = "Send 1,234.50 EUR to Alice Smith (alice.smith@corp.example) on Nov 20, 2026, and tell Bob.";
const TOOLS = Array.from({ length: 60 }, (_, at) => ({ name: `send_thing_${at}`, changes: true }));

const CONTROL = ["to", "cc", "amount", "date", "url"];

let state = 7;
function below(max: number): number {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
  return (state >>> 8) % max;
}
const word = (): string =>
  Array.from({ length: 3 + below(7) }, () => String.fromCharCode(97 + below(26))).join("");
const words = (count: number): string => Array.from({ length: count }, word).join(" ");

function read(size: number): readonly string[] {
  return Array.from({ length: Math.ceil(size / OUTPUT_CHARS) }, () =>
    `${word()}@${word()}.example ${below(9_999)} EUR ${words(OUTPUT_CHARS / 7)}`.slice(0, OUTPUT_CHARS),
  );
}

const argumentsOf = (texts: readonly string[]): Readonly<Record<string, unknown>> => ({
  to: "alice.smith@corp.example",
  cc: [`${word()}@${word()}.example`],
  subject: words(4),
  body: words(200),
  quoted: (texts[below(texts.length)] ?? "").slice(0, 2_000),
  amount: below(2) === 0 ? 1234.5 : below(10_000),
  date: "2026-11-20",
  url: `https://${word()}.example/${word()}`,
  list: "Alice Smith, Bob",
  urgent: true,
});

type Asked = "new" | "again";

function measure(size: number, asked: Asked): string {
  const opened = openCedarPolicies({ folder: shippedPolicyFolder("default") });
  if (!opened.ok) throw new Error(opened.error.detail);
  const texts = read(size);
  const index = createOriginIndex();
  index.add({ id: "task", label: "trusted", text: TASK });
  for (const [seq, text] of texts.entries()) index.add({ id: `step:${seq}`, label: "untrusted", text });
  const timesMs: number[] = [];
  for (let at = -WARM_UPS; at < DECISIONS; at += 1) {
    const args = argumentsOf(texts);
    const cpu = process.cpuUsage();
    const begun = performance.now();
    const { labels, tainted } = index.label(args);
    opened.value.decide({
      tenant: `ten_${"0".repeat(32)}`,
      run: `run_${"0".repeat(32)}`,
      requester: {
        id: `prn_${(asked === "new" ? at + WARM_UPS : 0).toString(16).padStart(32, "0")}`,
        kind: "human",
        name: "anna",
      },
      agent: { name: "external", version: "1" },
      action: {
        tool: "send_thing_1",
        tool_version: "1",
        manifest_digest: `sha256:${"a".repeat(64)}`,
        effect: "once",
        harm: ["egress"],
        arguments: { ...args },
      },
      controlArguments: CONTROL,
      labels,
      tainted,
      askable: true,
      planned: false,
      circumstances: circumstancesOf(
        { tool: "send_thing_1", arguments: args },
        {
          named: toolsNamed(TASK, TOOLS),
          pieced: isPieced(TASK, { tool: "send_thing_1", controlArguments: CONTROL, labels }, TOOLS),
          alarm: index.alarm(),
        },
        [],
      ),
    });
    const wallMs = performance.now() - begun;
    const spent = process.cpuUsage(cpu);
    if (at >= 0) timesMs.push(Math.min(wallMs, (spent.user + spent.system) / 1_000));
  }
  timesMs.sort((a, b) => a - b);
  const share = (part: number): string =>
    (timesMs[Math.min(timesMs.length - 1, Math.floor(timesMs.length * part))] ?? Number.NaN).toFixed(3);
  return `${(size / 1_000).toFixed(0)} kB read, ${asked}: p50 ${share(0.5)} ms, p99 ${share(0.99)} ms, most ${share(1)} ms`;
}

for (const size of SIZES)
  for (const asked of ["again", "new"] as const) process.stdout.write(`${measure(size, asked)}\n`);
