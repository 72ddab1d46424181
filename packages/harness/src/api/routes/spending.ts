import { ROUTES } from "@assent/contract";
import type { Harness } from "../../services/harness.ts";
import { callerOf } from "../hooks/authenticate.ts";
import { type Api, routeOptions } from "../route-options.ts";

export function addSpending(api: Api, harness: Harness): void {
  api.route({
    ...routeOptions(ROUTES.listProviders),
    handler: async (request, reply) =>
      await reply.send({ data: [...(await harness.listProviders(callerOf(request)))] }),
  });
  api.route({
    ...routeOptions(ROUTES.getBudget),
    handler: async (request, reply) => await reply.send(await harness.getBudget(callerOf(request))),
  });
}
