import { ROUTES } from "@assent/contract";
import { generateOpenApi } from "../open-api.ts";
import { type Api, routeOptions } from "../route-options.ts";

export function addOpenApi(api: Api): void {
  const document = generateOpenApi();
  api.route({
    ...routeOptions(ROUTES.getOpenApi),
    handler: async (_request, reply) => await reply.send(document),
  });
}
