import { ROUTES } from "@assent/contract";
import type { Harness } from "../../services/harness.ts";
import { type Api, routeOptions } from "../route-options.ts";

export function addPolicies(api: Api, harness: Harness): void {
  api.route({
    ...routeOptions(ROUTES.getPolicies),
    handler: async (_request, reply) => await reply.send(harness.getPolicies()),
  });
}
