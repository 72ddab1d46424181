import { ROUTES, sha256Schema } from "@assent/contract";
import type { Harness } from "../../services/harness.ts";
import { answerOnce } from "../answer-once.ts";
import { sendNotFound, sendRefusal } from "../answer.ts";
import { addNextLink } from "../next-link.ts";
import { callerOf } from "../hooks/authenticate.ts";
import { type Api, routeOptions } from "../route-options.ts";

export function addPrecedents(api: Api, harness: Harness): void {
  api.route({
    ...routeOptions(ROUTES.listPrecedents),
    handler: async (request, reply) => {
      const { limit, cursor } = request.query;
      const listed = await harness.listPrecedents(callerOf(request), { limit, cursor: cursor ?? null });
      if (!listed.ok) return await sendRefusal(reply, listed.error);
      const { data, next_cursor } = listed.value;
      addNextLink(reply, ROUTES.listPrecedents.path, { limit: String(limit) }, next_cursor);
      return await reply.send({ data: [...data], next_cursor });
    },
  });
  api.route({
    ...routeOptions(ROUTES.revokePrecedent),
    handler: async (request, reply) => {
      const id = sha256Schema.safeParse(request.params.id);
      if (!id.success) return await sendNotFound(reply, "precedent_not_found");
      const { body } = request;
      return await answerOnce(
        { request, reply, harness, row: ROUTES.revokePrecedent },
        async (joined, caller) => await joined.revokePrecedent(caller, id.data, body),
      );
    },
  });
}
