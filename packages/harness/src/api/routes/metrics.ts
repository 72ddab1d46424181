import { ROUTES } from "@assent/contract";
import type { Telemetry } from "../../ports.ts";
import { type Api, routeOptions } from "../route-options.ts";

export function addMetrics(api: Api, telemetry: Telemetry): void {
  api.route({
    ...routeOptions(ROUTES.getMetrics),
    handler: async (_request, reply) =>
      await reply.type("text/plain; version=0.0.4; charset=utf-8").send(await telemetry.prometheus()),
  });
}
