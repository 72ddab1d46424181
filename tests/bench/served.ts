// The harness under measurement as a process of its own, and what it says of itself (serve.ts).

import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import type { Installation } from "../support/target/installation.ts";
import type { Given } from "./given-postgres.ts";

const statsSchema = z.object({
  statements: z.number(),
  control: z.number(),
  cpuMs: z.number(),
  texts: z.record(z.string(), z.object({ count: z.number(), ms: z.number() })),
});
const readySchema = z.object({ url: z.string() });
export type Served = {
  readonly url: string;
  stats(): Promise<z.infer<typeof statsSchema>>;
  /** Whether somebody who decides is waited for with a receipt: without evidence there is none to wait for. */
  expectReceipts(areExpected: boolean): Promise<void>;
  stop(): Promise<void>;
};

/** The harness in a process of its own, so that its processor time is its own. */
export async function serve(installation: Installation, given: Partial<Given>): Promise<Served> {
  const child = fork(
    fileURLToPath(new URL("./serve.ts", import.meta.url)),
    [installation.home, installation.configFile],
    {
      execArgv: ["--conditions=assent-source"],
      env: { ...process.env, ...given, ...installation.environment },
    },
  );
  const [ready] = await once(child, "message");
  const { url } = readySchema.parse(ready);
  return {
    url,
    stats: async () => {
      const answer = once(child, "message");
      child.send("stats");
      const [stats] = await answer;
      return statsSchema.parse(stats);
    },
    expectReceipts: async (areExpected) => {
      const heard = once(child, "message");
      child.send(areExpected ? "receipts" : "no receipts");
      await heard;
    },
    stop: async () => {
      const ended = once(child, "exit");
      child.send("stop");
      await ended;
    },
  };
}
