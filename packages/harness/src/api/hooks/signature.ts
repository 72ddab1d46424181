// Verifies what a request was signed with, once its body is there and before anything is made of it.

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Harness, SignedMessage } from "../../services/harness.ts";
import type { FoundSigningKey } from "../../ports.ts";
import { sendRefusal } from "../answer.ts";
import { callerOf } from "./authenticate.ts";
import { signedFields } from "./signed-fields.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** The bytes of the body as they came; null where there was none. */
    rawBody: Uint8Array | null;
    signingKey: FoundSigningKey | null;
  }
}

/** Makes every route below this scope refuse what is signed wrongly, or not signed where it has to be. */
export function requireSignatures(scope: FastifyInstance, harness: Pick<Harness, "checkSignature">): void {
  scope.addHook("preValidation", async (request, reply) => await check(request, reply, harness));
}

async function check(
  request: FastifyRequest,
  reply: FastifyReply,
  harness: Pick<Harness, "checkSignature">,
): Promise<FastifyReply | undefined> {
  const caller = callerOf(request);
  const checked = await harness.checkSignature(
    { caller, signingKey: request.signingKey },
    messageOf(request),
  );
  if (!checked.ok) return await sendRefusal(reply, checked.error);
  request.caller = checked.value;
  return undefined;
}

function messageOf(request: FastifyRequest): SignedMessage {
  const target = request.raw.url ?? "";
  const at = target.indexOf("?");
  return {
    method: request.method,
    authority: authorityOf(request.headers.host ?? ""),
    path: at === -1 ? target : target.slice(0, at),
    query: at === -1 ? "?" : target.slice(at),
    fields: signedFields(request),
    body: request.rawBody ?? new Uint8Array(0),
  };
}

// RFC 9421 section 2.2.3: lower case, without the scheme's default port. Whether TLS ends before us is not known here.
const authorityOf = (host: string): string => host.toLowerCase().replace(/:(?:80|443)$/, "");
