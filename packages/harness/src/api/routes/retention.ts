import { ROUTES } from "@assent/contract";
import type { Harness } from "../../services/harness.ts";
import { type Api, routeOptions } from "../route-options.ts";

export function addRetention(api: Api, harness: Harness): void {
  api.route({
    ...routeOptions(ROUTES.getRetention),
    handler: async (_request, reply) => await reply.send(harness.getRetention()),
  });
}
