import { ROUTES } from "@assent/contract";
import type { Harness } from "../../services/harness.ts";
import { callerOf } from "../hooks/authenticate.ts";
import { type Api, routeOptions } from "../route-options.ts";

export function addQuality(api: Api, harness: Harness): void {
  api.route({
    ...routeOptions(ROUTES.getQuality),
    handler: async (request, reply) =>
      await reply.send(await harness.getQuality(callerOf(request), request.query.days)),
  });
}
