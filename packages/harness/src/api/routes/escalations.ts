import { ROUTES, sha256Schema } from "@assent/contract";
import type { Harness } from "../../services/harness.ts";
import { answerOnce } from "../answer-once.ts";
import { sendNotFound, sendRefusal } from "../answer.ts";
import { addNextLink } from "../next-link.ts";
import { callerOf } from "../hooks/authenticate.ts";
import { type Api, routeOptions } from "../route-options.ts";

export function addEscalations(api: Api, harness: Harness): void {
  api.route({
    ...routeOptions(ROUTES.listEscalations),
    handler: async (request, reply) => {
      const { status, limit, cursor } = request.query;
      const query = { status: status ?? null, limit, cursor: cursor ?? null };
      const listed = await harness.listEscalations(callerOf(request), query);
      if (!listed.ok) return await sendRefusal(reply, listed.error);
      const { data, next_cursor } = listed.value;
      const same = { limit: String(limit), ...(status === undefined ? {} : { status }) };
      addNextLink(reply, ROUTES.listEscalations.path, same, next_cursor);
      return await reply.send({ data: [...data], next_cursor });
    },
  });
  api.route({
    ...routeOptions(ROUTES.resolveEscalation),
    handler: async (request, reply) => {
      const id = sha256Schema.safeParse(request.params.id);
      if (!id.success) return await sendNotFound(reply, "escalation_not_found");
      const { body } = request;
      return await answerOnce(
        { request, reply, harness, row: ROUTES.resolveEscalation },
        async (joined, caller) => await joined.resolveEscalation(caller, id.data, body),
      );
    },
  });
}
