import { ROUTES, problem } from "@assent/contract";
import type { Log } from "../../ports.ts";
import type { Harness } from "../../services/harness.ts";
import { sendProblem } from "../answer.ts";
import { type Api, routeOptions } from "../route-options.ts";

/** The only routes that are open to everybody. They tell nothing but whether there is someone to talk to. */
export function addHealth(api: Api, harness: Pick<Harness, "readiness">, log: Log): void {
  api.route({
    ...routeOptions(ROUTES.getHealth),
    handler: async (_request, reply) => await reply.send({ status: "ok" }),
  });
  api.route({
    ...routeOptions(ROUTES.getReadiness),
    handler: async (request, reply) => {
      let missing: readonly string[];
      let [open, gaps, stopped] = [0, 0, 0];
      try {
        const { database, clock, worker, ...told } = await harness.readiness();
        [open, gaps, stopped] = [told.breakersOpen, told.auditGaps, told.auditStopped];
        missing = [
          ...(database ? [] : ["database"]),
          ...(clock === null ? [] : [`agreement on the time (${clock})`]),
          ...(worker ? [] : ["worker"]),
        ];
      } catch (error) {
        log("warn", "readiness cannot be told", { request_id: request.id, error: String(error) });
        missing = ["database"];
      }
      if (missing.length === 0)
        return await reply.send({
          status: "ready",
          database: true,
          worker: true,
          breakers_open: open,
          audit_gaps: gaps,
          audit_stopped: stopped,
        });
      return await sendProblem(reply, problem("not_ready", `Missing: ${missing.join(", ")}.`));
    },
  });
}
