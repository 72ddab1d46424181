// A driver of its own process: acts at the tool sink, ends its run as failed, and takes back what it did. It is killed in
// the middle, and started anew with the run's id.

import { openGate, takeBackRun, type Undo } from "../../../packages/harness/src/client/gate.ts";

const [, , url = "", key = "", sinkUrl = "", run = ""] = process.argv;

async function tell(to: string, idempotencyKey: string, body: unknown): Promise<string> {
  const answer = await fetch(sinkUrl.replace("/effect", to), {
    method: "POST",
    headers: { "idempotency-key": idempotencyKey, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return await answer.text();
}

const undo: Undo = {
  reserve_seat: async ({ tool, effectId }, undoing) =>
    await tell("/undo", undoing.effectId, { tool, compensates: effectId }),
};

async function act(): Promise<string> {
  const {
    run: id,
    gate,
    fail,
  } = await openGate(
    { url, key },
    {
      task: 'Call book_sink with the text "the table", between two seats.',
      approver: "ask",
      tools: [
        {
          name: "reserve_seat",
          effect: "once",
          harm: [],
          control_arguments: [],
          compensation: { by: "driver", effect: "once", description: "The seat is free again." },
        },
        { name: "book_sink", compensation: { by: "harness" } },
      ],
    },
  );
  process.stdout.write(`${JSON.stringify({ run: id })}\n`);
  for (const tool of ["reserve_seat", "book_sink", "reserve_seat"])
    await gate(
      tool,
      tool === "book_sink" ? { text: "the table" } : {},
      async (_, { effectId }) => await tell("/effect", effectId, { tool }),
    );
  await fail("It went wrong.");
  return id;
}

const parse = (text: string): `run_${string}` => {
  if (!text.startsWith("run_")) throw new Error("not the id of a run");
  return `run_${text.slice(4)}`;
};

const id = run === "" ? await act() : run;
const ended = await takeBackRun({ url, key }, parse(id), undo);
process.stdout.write(`${JSON.stringify({ status: ended.status })}\n`);
