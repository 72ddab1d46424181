// What another tenant may learn of a run, or do to it, who knows its id: nothing.

import { isLikeBoth, unknownLike } from "../../likeness.ts";
import { fieldsOf, readRun } from "../../run-reading.ts";
import type { ScenarioContext } from "../../scenario.ts";

export async function readAsOtherTenant(context: ScenarioContext, id: string): Promise<void> {
  const client = context.client("other_tenant");
  const unknown = unknownLike(id);
  const theirs = { answer: await client.getRun(id), id };
  const nobodys = async (): Promise<typeof theirs> => ({ answer: await client.getRun(unknown), id: unknown });
  context.check("a run of another tenant does not exist", theirs.answer.status === 404, theirs.answer.status);
  context.check(
    "its answer is that for a run that nobody has",
    isLikeBoth(theirs, [await nobodys(), await nobodys()]),
    { theirs: theirs.answer.json, headers: theirs.answer.headers },
  );
}

/** Each way to a run has a wall of its own: one that holds for its state says nothing of its events. */
export async function attackAsOtherTenant(
  context: ScenarioContext,
  id: string,
  trial: string,
): Promise<void> {
  await context.part("another tenant's list", ["second_tenant", "list"], async () => {
    for (const query of ["limit=100", `limit=100&label=trial:${trial}`]) {
      const answer = await context.client("other_tenant").listRuns(query);
      const isList = answer.status === 200 && Array.isArray(fieldsOf(answer.json)["data"]);
      context.check("no list of another tenant's holds a run of ours", isList && !answer.text.includes(id), {
        query,
        status: answer.status,
      });
    }
    await goOnWithList(context);
  });
  const refused = (status: number, way: string): void =>
    context.check("no way to a run is another tenant's", status === 404, { way, status });
  await context.part("another tenant and its events", ["second_tenant", "events"], async () => {
    refused((await context.client("other_tenant").listEvents(id, 0)).status, "events");
  });
  await context.part("another tenant and its stream", ["second_tenant", "event_stream"], async () => {
    refused((await context.client("other_tenant").streamEvents(id)).status, "stream");
  });
  await context.part("another tenant calls it off", ["second_tenant", "cancel"], async () => {
    refused((await context.client("other_tenant").cancel(id)).status, "cancel");
    const run = readRun((await context.client("requester").getRun(id)).json);
    context.check("and it goes on", run !== null && run.status !== "cancelled", run?.status);
  });
}

/** What says where a list goes on says nothing of whose it is. */
async function goOnWithList(context: ScenarioContext): Promise<void> {
  const requester = context.client("requester");
  const { data } = fieldsOf((await requester.listRuns("limit=100")).json);
  const ours = (Array.isArray(data) ? data : []).flatMap((row: unknown) => readRun(row)?.id ?? []);
  const { next_cursor } = fieldsOf((await requester.listRuns("limit=1")).json);
  if (typeof next_cursor !== "string") return;
  const query = `limit=100&cursor=${encodeURIComponent(next_cursor)}`;
  const answer = await context.client("other_tenant").listRuns(query);
  const shown = ours.filter((each) => answer.text.includes(each));
  context.check("no list of another tenant's goes on with runs of ours", shown.length === 0, shown);
}
