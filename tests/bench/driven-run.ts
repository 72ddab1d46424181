// A run that is driven from outside, as the durable peers of docs/peers.md are measured: no model, one tool step, a wait
// for a person, and the end. The driver is the bench, so its own processor time is not the harness's.

import { openGate } from "@assent/harness/client";
import type { Watcher } from "./watcher.ts";

export type Driven = {
  readonly url: string;
  readonly key: string;
  readonly watcher: Watcher;
  /** Says yes; resolves with the answer. */
  readonly decide: (approval: { readonly id: string; readonly digest: string }) => Promise<void>;
};

/** Resolves when the run has succeeded and its call was carried out once, under its effect id. */
export async function driveOne({ url, key, watcher, decide }: Driven): Promise<void> {
  const { run, gate, finish } = await openGate(
    { url, key },
    {
      task: "Put it on record.",
      approver: "ask",
      tools: [
        {
          name: "put_on_record",
          effect: "once",
          harm: ["write"],
          control_arguments: ["text"],
          returns: "trusted",
          input_schema: {
            type: "object",
            properties: { text: { type: "string" } },
            required: ["text"],
            additionalProperties: false,
          },
        },
      ],
    },
  );
  let carriedOut = 0;
  const gated = gate("put_on_record", { text: "entered by a script of ours" }, async () => {
    carriedOut += 1;
    return await Promise.resolve("recorded");
  });
  const decided = watcher.approval(run.slice(4)).then(decide);
  const [{ decision }] = await Promise.all([gated, decided]);
  if (decision !== "permit" || carriedOut !== 1)
    throw new Error(`run ${run}: ${decision}, carried out ${carriedOut} times`);
  const { status } = await finish("It is on record.");
  if (status !== "succeeded") throw new Error(`run ${run} is ${status}`);
}
