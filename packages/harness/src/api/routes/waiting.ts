import { ROUTES } from "@assent/contract";
import type { Harness } from "../../services/harness.ts";
import { sendRefusal } from "../answer.ts";
import { addNextLink } from "../next-link.ts";
import { callerOf } from "../hooks/authenticate.ts";
import { type Api, routeOptions } from "../route-options.ts";

export function addWaiting(api: Api, harness: Harness): void {
  api.route({
    ...routeOptions(ROUTES.listWaiting),
    handler: async (request, reply) => {
      const page = await harness.listWaiting(callerOf(request), request.query.cursor ?? null);
      if (!page.ok) return await sendRefusal(reply, page.error);
      const { data, next_cursor } = page.value;
      addNextLink(reply, ROUTES.listWaiting.path, {}, next_cursor);
      return await reply.send({ data: [...data], next_cursor });
    },
  });
}
