import { ROUTES, type RunPage, runIdSchema } from "@assent/contract";
import type { Harness, RunListQuery } from "../../services/harness.ts";
import { sendNotFound, sendRefusal } from "../answer.ts";
import { matchesEtag } from "../etag.ts";
import { callerOf } from "../hooks/authenticate.ts";
import { type Api, routeOptions } from "../route-options.ts";

export function addRunQueries(api: Api, harness: Harness): void {
  addList(api, harness);
  addGet(api, harness);
}

function addList(api: Api, harness: Harness): void {
  api.route({
    ...routeOptions(ROUTES.listRuns),
    handler: async (request, reply) => {
      const { status, agent, label, cursor, limit } = request.query;
      const query: RunListQuery = {
        states: status ?? null,
        agent: agent ?? null,
        label: label === undefined ? null : splitLabel(label),
        cursor: cursor ?? null,
        limit,
      };
      const listed = await harness.listRuns(callerOf(request), query);
      if (!listed.ok) return await sendRefusal(reply, listed.error);
      const page: RunPage = { data: [...listed.value.data], next_cursor: listed.value.next_cursor };
      if (page.next_cursor !== null)
        reply.header("link", `<${nextPath(query, page.next_cursor)}>; rel="next"`);
      return await reply.send(page);
    },
  });
}

/** @param label `name:value`, where a name has no colon and a value may */
function splitLabel(label: string): { name: string; value: string } {
  const colon = label.indexOf(":");
  return { name: label.slice(0, colon), value: label.slice(colon + 1) };
}

/** The same question again, from the cursor on: a cursor is only good with the filters it was made for. */
function nextPath(query: RunListQuery, cursor: string): string {
  const parameters = new URLSearchParams();
  for (const state of query.states ?? []) parameters.append("status", state);
  if (query.agent !== null) parameters.set("agent", query.agent);
  if (query.label !== null) parameters.set("label", `${query.label.name}:${query.label.value}`);
  parameters.set("limit", String(query.limit));
  parameters.set("cursor", cursor);
  return `${ROUTES.listRuns.path}?${parameters.toString()}`;
}

function addGet(api: Api, harness: Harness): void {
  api.route({
    ...routeOptions(ROUTES.getRun),
    handler: async (request, reply) => {
      const id = runIdSchema.safeParse(request.params.id);
      if (!id.success) return await sendNotFound(reply, "run_not_found");
      const found = await harness.getRun(callerOf(request), id.data);
      if (!found.ok) return await sendRefusal(reply, found.error);
      const etag = `"${found.value.version}"`;
      reply.header("etag", etag);
      if (matchesEtag(request.headers["if-none-match"], etag)) return await reply.code(304).send();
      return await reply.send(found.value);
    },
  });
}
