// What a step costs in the write-ahead log, at the beginning of a long run and at its end: a journal that is only ever
// appended to costs the same.

import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import type { Pool } from "pg";
import { z } from "zod";
import type { Installation } from "../support/target/installation.ts";

/** Of the calls; each is two steps, the model's and the tool's, and a run may have 200. */
const CALLS = 97;
/** What each call returns. */
const OUTPUT_BYTES = 1_024;
const WINDOW_STEPS = 20;

/** Answers every call with a kilobyte, no two alike. */
export async function startLibrary(): Promise<{ readonly url: string; stop(): Promise<void> }> {
  let asked = 0;
  const server = createServer((_request, response) => {
    asked += 1;
    response.setHeader("content-type", "text/plain");
    response.end(`${asked} `.padEnd(OUTPUT_BYTES, "abcdefghij klmnop qrstuv wxyz "));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a server on a port has a port");
  return {
    url: `http://127.0.0.1:${address.port}/`,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** An agent that looks something up again and again, which nobody has to agree to. */
export function addLibrarian({ folder, configFile }: Installation, url: string): void {
  const put = (path: string, value: unknown): void => {
    writeFileSync(join(folder, path), JSON.stringify(value));
  };
  put("agents/librarian.json", {
    name: "librarian",
    description: "Looks things up.",
    system: "You look things up.",
    models: ["scripted/librarian"],
    tools: ["look_up"],
    workspace: "none",
    budget: { input_tokens_max: 1_000_000_000, output_tokens_max: 1_000_000_000 },
  });
  put("transcripts/librarian.transcript.json", {
    version: 1,
    description: "Looks up one page after the other.",
    turns: [
      ...Array.from({ length: CALLS }, (_, at) => ({
        text: `Page ${at + 1}.`,
        tool_calls: [{ id: `call_${at}`, tool: "look_up", arguments: { page: at + 1 } }],
      })),
      { expect: { last_tool: "look_up" }, text: "All of it is read." },
    ],
  });
  const config = z
    .looseObject({ tools: z.array(z.unknown()) })
    .parse(JSON.parse(readFileSync(configFile, "utf8")));
  put("assent.config.json", {
    ...config,
    tools: [
      ...config.tools,
      {
        kind: "http",
        url,
        manifest: {
          name: "look_up",
          version: "1",
          description: "Looks up a page.",
          input_schema: {
            type: "object",
            properties: { page: { type: "integer" } },
            required: ["page"],
            additionalProperties: false,
          },
          effect: "none",
          harm: [],
          control_arguments: [],
        },
      },
    ],
  });
}

type Seen = { readonly steps: number; readonly walBytes: number; readonly state: string };

/** @returns bytes of the log per step, in the first and in the last steps of one run */
export async function measureLongRun(
  owner: Pool,
  run: string,
): Promise<{ readonly first: number; readonly last: number; readonly steps: number }> {
  const seen: Seen[] = [];
  for (;;) {
    const { rows } = await owner.query<Seen>(
      `select (select count(*)::int from assent.steps s where s.run_id = r.id) as steps, r.state,
         (pg_current_wal_lsn() - '0/0'::pg_lsn)::float8 as "walBytes"
       from assent.runs r where r.id = $1`,
      [run],
    );
    const [now] = rows;
    if (now === undefined) throw new Error(`no run ${run}`);
    if (now.steps !== seen.at(-1)?.steps) seen.push(now);
    if (now.state === "succeeded") break;
    if (now.state !== "running" && now.state !== "queued") throw new Error(`the long run is ${now.state}`);
  }
  const steps = seen.at(-1)?.steps ?? 0;
  const perStep = (from: number, to: number): number => {
    const begin = seen.find((one) => one.steps >= from);
    const end = seen.findLast((one) => one.steps <= to);
    if (begin === undefined || end === undefined || end.steps <= begin.steps) return Number.NaN;
    return (end.walBytes - begin.walBytes) / (end.steps - begin.steps);
  };
  return {
    first: perStep(4, 4 + WINDOW_STEPS),
    last: perStep(steps - 4 - WINDOW_STEPS, steps - 4),
    steps,
  };
}
