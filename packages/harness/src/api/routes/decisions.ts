import { ROUTES } from "@assent/contract";
import type { Harness } from "../../services/harness.ts";
import { sendRefusal } from "../answer.ts";
import { addNextLink } from "../next-link.ts";
import { callerOf } from "../hooks/authenticate.ts";
import { type Api, routeOptions } from "../route-options.ts";

export function addDecisions(api: Api, harness: Harness): void {
  api.route({
    ...routeOptions(ROUTES.listDecisions),
    handler: async (request, reply) => {
      const { since, cursor } = request.query;
      const page = await harness.listDecisions(callerOf(request), new Date(since), cursor ?? null);
      if (!page.ok) return await sendRefusal(reply, page.error);
      const { data, next_cursor } = page.value;
      addNextLink(reply, ROUTES.listDecisions.path, { since }, next_cursor);
      return await reply.send({ data: [...data], next_cursor });
    },
  });
}
