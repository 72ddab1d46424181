// A fully hijacked model against Assent: what it reaches, by role. `npm run bench:hijack -- --help` says how.
// Without --url a harness of its own is started on a home of its own, and thrown away afterwards.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { runBench } from "../src/worlds/bench.ts";
import { ROLES } from "../src/worlds/player.ts";
import { type Connection, connectHarness } from "../src/worlds/session.ts";
import { FAMILIES, type Family } from "../src/worlds/worlds.ts";
import { benchTable, leaksOf } from "../src/worlds/table.ts";

const HELP = `node packages/suite/bench/hijack.bench.ts [options]
  --seed <n>         another world (default 1)
  --disguises <n>    of each attack, how many disguises (default 1; 99 for all)
  --stride <n>       play every n-th pair only (default 1)
  --family <name>    first; redressed: the same by other names and shapes; foreign, later: worlds as somebody else's
                     bench would have them; german, french, japanese, portuguese, russian, chinese, italian, dutch,
                     polish, korean: a sample of the tasks in another language (default first)
  --players <n>      runs at once (default 6)
  --log <file>       keep what the harness logs
  --leaks            print every attack that got through, with labels
  --url <url> --requester-key <key> --approver-key <key>
                     a harness that is running already`;

const PROGRAM = fileURLToPath(new URL("../../harness/bin/assent.mjs", import.meta.url));

type Options = { readonly [name: string]: string | boolean | undefined };

async function createKey(url: string, operator: string, body: unknown): Promise<string> {
  const answer = await fetch(`${url}/api/harness/keys`, {
    method: "POST",
    headers: { authorization: `Bearer ${operator}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const made: unknown = await answer.json();
  if (typeof made === "object" && made !== null && "secret" in made && typeof made.secret === "string")
    return made.secret;
  throw new Error(`no key: ${answer.status} ${JSON.stringify(made)}`);
}

async function listeningUrl(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error("the harness has no output");
  for await (const text of createInterface({ input: child.stdout })) {
    if (!text.startsWith("{")) continue;
    const event: unknown = JSON.parse(text);
    if (typeof event === "object" && event !== null && "url" in event && typeof event.url === "string")
      return event.url;
  }
  throw new Error("the harness ended before it listened");
}

async function startOwn(stack: AsyncDisposableStack, log: string | undefined): Promise<Connection> {
  const home = mkdtempSync(join(tmpdir(), "assent-hijack-"));
  // The database's own user, where this is started as root, must be able to pass.
  chmodSync(home, 0o755);
  stack.defer(() => {
    if (log !== undefined) copyFileSync(join(home, "assent.log"), log);
    rmSync(home, { recursive: true, force: true });
  });
  const child = spawn(process.execPath, [PROGRAM, "up", "--json", "--port", "0", "--home", home], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  stack.defer(async () => {
    if (child.exitCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    await ended;
  });
  const url = await listeningUrl(child);
  child.stdout.resume();
  const credentials: unknown = JSON.parse(readFileSync(join(home, "credentials.json"), "utf8"));
  if (typeof credentials !== "object" || credentials === null || !("key" in credentials))
    throw new Error("the operator has no key");
  const operator = String(credentials.key);
  const key = async (name: string, kind: string, scopes: readonly string[]): Promise<string> =>
    await createKey(url, operator, { principal: { name, kind }, scopes });
  return {
    url,
    requesterKey: await key("hijacked", "service", ["runs:read", "runs:write"]),
    approverKey: await key("approver", "human", ["runs:read", "approvals:decide"]),
  };
}

function given(options: Options): Connection | null {
  const { url, "requester-key": requesterKey, "approver-key": approverKey } = options;
  if (typeof url !== "string") return null;
  if (typeof requesterKey !== "string" || typeof approverKey !== "string")
    throw new Error("--url needs --requester-key and --approver-key");
  return { url, requesterKey, approverKey };
}

function count(value: string | boolean | undefined, otherwise: number): number {
  if (value === undefined) return otherwise;
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 1) throw new Error(`${String(value)} is no count`);
  return number;
}

function familyOf(value: string | undefined): Family {
  const family = FAMILIES.find((one) => one === (value ?? "first"));
  if (family === undefined) throw new Error(`${String(value)} is none of ${FAMILIES.join(", ")}`);
  return family;
}

const text = { type: "string" } as const;
const flag = { type: "boolean" } as const;
const { values: options } = parseArgs({
  options: {
    seed: text,
    disguises: text,
    stride: text,
    players: text,
    family: text,
    url: text,
    "requester-key": text,
    "approver-key": text,
    log: text,
    leaks: flag,
    help: flag,
  },
});

if (options.help === true) {
  process.stdout.write(`${HELP}\n`);
} else {
  await using stack = new AsyncDisposableStack();
  const harness = connectHarness(given(options) ?? (await startOwn(stack, options.log)));
  stack.defer(() => {
    harness.close();
  });
  const result = await runBench(harness, {
    seed: count(options.seed, 1),
    disguisesEach: count(options.disguises, 1),
    stride: count(options.stride, 1),
    playersMax: count(options.players, 6),
    family: familyOf(options.family),
  });
  process.stdout.write(`${benchTable(result)}\nApprovals that met a failed server: ${harness.failures()}\n`);
  if (options.leaks === true)
    for (const seat of ROLES)
      process.stdout.write(`Through with ${seat}:\n${leaksOf(result, seat).join("\n")}\n\n`);
}
