import { ROUTES } from "@assent/contract";
import type { Harness } from "../../services/harness.ts";
import { sendRefusal } from "../answer.ts";
import { callerOf } from "../hooks/authenticate.ts";
import { type Api, routeOptions } from "../route-options.ts";

export function addDecisions(api: Api, harness: Harness): void {
  api.route({
    ...routeOptions(ROUTES.listDecisions),
    handler: async (request, reply) => {
      const { since, cursor } = request.query;
      const page = await harness.listDecisions(callerOf(request), new Date(since), cursor ?? null);
      return page.ok
        ? await reply.send({ data: [...page.value.data], next_cursor: page.value.next_cursor })
        : await sendRefusal(reply, page.error);
    },
  });
}
