import { ROUTES } from "@assent/contract";
import type { Harness } from "../../services/harness.ts";
import { sendRefusal } from "../answer.ts";
import { callerOf } from "../hooks/authenticate.ts";
import { type Api, routeOptions } from "../route-options.ts";

export function addWaiting(api: Api, harness: Harness): void {
  api.route({
    ...routeOptions(ROUTES.listWaiting),
    handler: async (request, reply) => {
      const page = await harness.listWaiting(callerOf(request), request.query.cursor ?? null);
      return page.ok
        ? await reply.send({ data: [...page.value.data], next_cursor: page.value.next_cursor })
        : await sendRefusal(reply, page.error);
    },
  });
}
