// Somebody outside of a fleet who wants to be told of every end, and counts what comes.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { until } from "../until.ts";
import { type Receiver, startReceiver } from "../webhook-receiver.ts";
import { ask, type Fleet } from "./fleet-client.ts";
import type { Installation } from "./installation.ts";

export type ToldFleet = AsyncDisposable & {
  /** Once somebody serves. */
  begin(fleet: Fleet): Promise<void>;
  /** Waits until of each of these runs a message has come. @returns what did not come, or came under several ids */
  untold(runs: readonly string[]): Promise<readonly string[]>;
  /** Messages that came again, after whoever had sent them could not say so. */
  repeats(): number;
};

const messageSchema = z.looseObject({ data: z.looseObject({ run_id: z.string() }) });

/** A message whose sender was killed comes from another a minute later, and that one can be killed as well. */
const TOLD_MS_MAX = 240_000;

/** Before anybody is started: the receiver stands in the configuration. */
export async function addReceiver({ folder, configFile }: Installation): Promise<ToldFleet> {
  const receiver: Receiver = await startReceiver();
  const config = z.looseObject({}).parse(JSON.parse(readFileSync(configFile, "utf8")));
  const webhooks = { private_network: [new URL(receiver.url).host] };
  writeFileSync(join(folder, "assent.config.json"), JSON.stringify({ ...config, webhooks }));
  const idsOf = (): ReadonlyMap<string, ReadonlySet<string>> => {
    const ids = new Map<string, Set<string>>();
    for (const { id, body } of receiver.received) {
      const run = messageSchema.parse(JSON.parse(body)).data.run_id;
      ids.set(run, (ids.get(run) ?? new Set()).add(id));
    }
    return ids;
  };
  return {
    begin: async (fleet) => {
      const body = { url: receiver.url, events: ["run.ended"] };
      const made = await ask(fleet, "/api/harness/webhooks", { method: "POST", key: "told", body });
      if (made.status !== 201) throw new Error(`a webhook: ${made.status} ${await made.text()}`);
    },
    untold: async (runs) => {
      let ids = idsOf();
      try {
        await until(
          "every end is told",
          () => {
            ids = idsOf();
            return runs.every((run) => ids.has(run));
          },
          TOLD_MS_MAX,
          250,
        );
      } catch {
        // What is missing is said below.
      }
      return runs.flatMap((run) => {
        const count = ids.get(run)?.size ?? 0;
        return count === 1 ? [] : [`${run} is told of by ${count} messages`];
      });
    },
    repeats: () => receiver.received.length - new Set(receiver.received.map(({ id }) => id)).size,
    async [Symbol.asyncDispose](): Promise<void> {
      await receiver[Symbol.asyncDispose]();
    },
  };
}
