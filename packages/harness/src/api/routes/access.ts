import { ROUTES } from "@assent/contract";
import type { Harness } from "../../services/harness.ts";
import { sendRefusal } from "../answer.ts";
import { callerOf } from "../hooks/authenticate.ts";
import { type Api, routeOptions } from "../route-options.ts";

export function addAccess(api: Api, harness: Pick<Harness, "listAccessEvents">): void {
  api.route({
    ...routeOptions(ROUTES.listAccessEvents),
    handler: async (request, reply) => {
      const page = await harness.listAccessEvents(callerOf(request), request.query.before ?? null);
      return page.ok
        ? await reply.send({ data: [...page.value.data], next: page.value.next })
        : await sendRefusal(reply, page.error);
    },
  });
}
