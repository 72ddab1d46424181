import { EVENT_VERSION_MAX, type EventPage, ROUTES, problem, runIdSchema } from "@assent/contract";
import type { Harness } from "../../services/harness.ts";
import { sendNotFound, sendProblem, sendRefusal } from "../answer.ts";
import type { EventStreams } from "../event-stream.ts";
import { acceptQuality } from "../hooks/accept.ts";
import { bearerKey, callerOf } from "../hooks/authenticate.ts";
import { type Api, routeOptions } from "../route-options.ts";

export function addEvents(api: Api, harness: Harness, streams: EventStreams): void {
  api.route({
    ...routeOptions(ROUTES.listEvents),
    handler: async (request, reply) => {
      const id = runIdSchema.safeParse(request.params.id);
      if (!id.success) return await sendNotFound(reply, "run_not_found");
      const lastId = parseLastEventId(request.headers["last-event-id"]);
      if (lastId === null)
        return await sendProblem(
          reply,
          problem("invalid_request", "Last-Event-ID must be the id of an event."),
        );
      const after = lastId ?? request.query.after ?? 0;
      const caller = callerOf(request);
      const batch = await harness.listEvents(caller, id.data, after);
      if (!batch.ok) return await sendRefusal(reply, batch.error);
      if (!wantsStream(request.headers.accept)) {
        const page: EventPage = { data: [...batch.value.events], ended: batch.value.ended };
        return await reply.send(page);
      }
      // An EventSource connects again and again until it is told 204 (WHATWG HTML, 9.2).
      if (batch.value.ended && batch.value.events.length === 0) return await reply.code(204).send();
      if (request.method === "HEAD") return await reply.type("text/event-stream").send();
      const stillValid = async (): Promise<boolean> => {
        const key = bearerKey(request);
        const now = key === null ? null : await harness.authenticate(key);
        // A token's roles, a principal's duty to sign: what has changed since counts from now on.
        return (
          now !== null &&
          (!now.mustSign || caller.signedWith !== undefined) &&
          harness.permits(now, ROUTES.listEvents.action)
        );
      };
      const opened = streams.open({ reply, caller, run: id.data, after, first: batch.value, stillValid });
      if (!opened)
        return await sendProblem(
          reply,
          problem("event_streams_exhausted", "All event streams of this server are taken."),
        );
      return await reply;
    },
  });
}

/** Undefined: there is none. Null: it is not one of ours. */
function parseLastEventId(header: string | string[] | undefined): number | null | undefined {
  if (header === undefined || header === "") return undefined;
  const isNumber = typeof header === "string" && /^(?:0|[1-9]\d{0,9})$/.test(header);
  return isNumber && Number(header) <= EVENT_VERSION_MAX ? Number(header) : null;
}

function wantsStream(accept: string | undefined): boolean {
  return acceptQuality(accept, "text/event-stream") > acceptQuality(accept, "application/json");
}
