import { ROUTES, runIdSchema } from "@assent/contract";
import type { Harness } from "../../services/harness.ts";
import { answerOnce } from "../answer-once.ts";
import { sendRefusal } from "../answer.ts";
import { callerOf } from "../hooks/authenticate.ts";
import { NO_ENTRY, NO_LOG } from "../../services/audit/trail.ts";
import { createPlaces } from "../../services/places.ts";
import { type Api, routeOptions } from "../route-options.ts";

export function addAudit(api: Api, harness: Harness): void {
  addReading(api, harness);
  addManaging(api, harness);
}

/** Null for anything but the one spelling of a number from 1 on. */
const numberOf = (text: string): number | null => (/^[1-9]\d{0,8}$/.test(text) ? Number(text) : null);

function addReading(api: Api, { audit }: Pick<Harness, "audit">): void {
  api.route({
    ...routeOptions(ROUTES.listAuditLogs),
    handler: async (request, reply) => await reply.send(await audit.logs(callerOf(request))),
  });
  api.route({
    ...routeOptions(ROUTES.getAuditCheckpoint),
    handler: async (request, reply) => {
      const epoch = numberOf(request.params.epoch);
      if (epoch === null) return await sendRefusal(reply, NO_LOG);
      const found = await audit.checkpoint(callerOf(request), epoch);
      return found.ok ? await reply.send(found.value) : await sendRefusal(reply, found.error);
    },
  });
  api.route({
    ...routeOptions(ROUTES.listAuditEntries),
    handler: async (request, reply) => {
      const epoch = numberOf(request.params.epoch);
      if (epoch === null) return await sendRefusal(reply, NO_LOG);
      const { from, limit } = request.query;
      const page = await audit.entries(callerOf(request), epoch, from, limit);
      return page.ok ? await reply.send(page.value) : await sendRefusal(reply, page.error);
    },
  });
  api.route({
    ...routeOptions(ROUTES.getAuditSealing),
    handler: async (request, reply) => await reply.send(await audit.sealing(callerOf(request))),
  });
  api.route({
    ...routeOptions(ROUTES.proveEvent),
    handler: async (request, reply) => {
      const id = runIdSchema.safeParse(request.params.id);
      const version = numberOf(request.params.version);
      if (!id.success || version === null) return await sendRefusal(reply, NO_ENTRY);
      const proof = await audit.prove(callerOf(request), id.data, version);
      return proof.ok ? await reply.send(proof.value) : await sendRefusal(reply, proof.error);
    },
  });
}

/** Requests of one process that change a log at the same time. */
const MANAGING_MAX = 4;

// The log has transactions of its own, so a key is taken around them: a crash in between asks an operator to look. Each
// such request holds two connections; as many as there are connections would each wait for their second one, and
// everybody else with them.
function addManaging(api: Api, harness: Harness): void {
  const { audit } = harness;
  const inTurn = createPlaces(MANAGING_MAX);
  api.route({
    ...routeOptions(ROUTES.eraseAuditPayload),
    handler: async (request, reply) => {
      const { body } = request;
      return await inTurn(
        async () =>
          await answerOnce(
            { request, reply, harness, row: ROUTES.eraseAuditPayload },
            async (_, caller) => await audit.erase(caller, body),
          ),
      );
    },
  });
  api.route({
    ...routeOptions(ROUTES.beginAuditEpoch),
    handler: async (request, reply) => {
      const { body } = request;
      return await inTurn(
        async () =>
          await answerOnce(
            { request, reply, harness, row: ROUTES.beginAuditEpoch },
            async (_, caller) => await audit.beginEpoch(caller, body),
          ),
      );
    },
  });
  api.route({
    ...routeOptions(ROUTES.pruneAudit),
    handler: async (request, reply) =>
      await answerOnce(
        { request, reply, harness, row: ROUTES.pruneAudit },
        async (_, caller) => await audit.prune(caller),
      ),
  });
  api.route({
    ...routeOptions(ROUTES.rekeyAudit),
    handler: async (request, reply) => {
      const { body } = request;
      return await inTurn(
        async () =>
          await answerOnce(
            { request, reply, harness, row: ROUTES.rekeyAudit },
            async (_, caller) => await audit.rekey(caller, body),
          ),
      );
    },
  });
  api.route({
    ...routeOptions(ROUTES.rotateAuditSigner),
    handler: async (request, reply) => {
      const { step } = request.body;
      return await inTurn(
        async () =>
          await answerOnce(
            { request, reply, harness, row: ROUTES.rotateAuditSigner },
            async (_, caller) => await audit.rotate(caller, step),
          ),
      );
    },
  });
}
