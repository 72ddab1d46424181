// The web console. Nothing of a request ever becomes a path: a name is looked up among the files that were read at the start.

import { ROUTES, problem } from "@assent/contract";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { AddressGuard } from "../address-guard.ts";
import { sendProblem } from "../answer.ts";
import type { Console, ConsoleFile } from "../console-files.ts";
import { matchesEtag } from "../etag.ts";
import { sendQuotaExceeded } from "../rate-limit.ts";
import { type Api, routeOptions } from "../route-options.ts";

/**
 * What the page may do: run our scripts, wear our styles, show our images and call this server. Nothing stands within the page,
 * nothing comes from elsewhere, nothing sends a form or makes markup of text (trusted types: no policy can be made, so no
 * string gets to a sink), and nobody frames it.
 */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

/** Everything that a browser knows to ask its user for, and some that it gives without asking. */
const NO_PERMISSIONS = [
  "accelerometer",
  "autoplay",
  "camera",
  "clipboard-read",
  "display-capture",
  "encrypted-media",
  "fullscreen",
  "gamepad",
  "geolocation",
  "gyroscope",
  "hid",
  "idle-detection",
  "local-fonts",
  "magnetometer",
  "microphone",
  "midi",
  "payment",
  "picture-in-picture",
  "publickey-credentials-create",
  "publickey-credentials-get",
  "screen-wake-lock",
  "serial",
  "storage-access",
  "usb",
  "xr-spatial-tracking",
]
  .map((feature) => `${feature}=()`)
  .join(", ");

const PAGE_HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy": PAGE_POLICY,
  "permissions-policy": NO_PERMISSIONS,
  // A page that opened this one, or that this one opens, gets no hold of its window.
  "cross-origin-opener-policy": "same-origin",
};

const REVALIDATED = "no-cache";
const FOR_EVER = "public, max-age=31536000, immutable";

/** For a scope of its own: whoever it is, an address asks as often as its quota says. */
export function addConsole(api: Api, console: Console, addresses: AddressGuard): void {
  api.addHook("onRequest", async (request, reply) => {
    const flood = addresses.take(request.raw.socket.remoteAddress ?? "");
    return flood === null ? undefined : await sendQuotaExceeded(reply, flood);
  });
  api.route({
    ...routeOptions(ROUTES.getConsole),
    handler: async (request, reply) => {
      if (console.state !== "built") return await sendMissing(reply, console);
      reply.headers({ ...PAGE_HEADERS, "cache-control": REVALIDATED });
      return await sendFile(request, reply, console.page);
    },
  });
  api.route({
    ...routeOptions(ROUTES.getConsoleFile),
    handler: async (request, reply) => {
      if (console.state !== "built") return await sendMissing(reply, console);
      const { file: name } = request.params;
      if (name === "") return await reply.code(308).header("location", ROUTES.getConsole.path).send();
      const file = console.files.get(name);
      if (file === undefined)
        return await sendProblem(reply, problem("route_not_found", "The console has no such file."));
      reply.header("cache-control", file.isHashed ? FOR_EVER : REVALIDATED);
      return await sendFile(request, reply, file);
    },
  });
}

function sendMissing(reply: FastifyReply, { state }: Exclude<Console, { state: "built" }>): FastifyReply {
  return sendProblem(
    reply,
    state === "off"
      ? problem("route_not_found", "The configuration of this server switches the web console off.")
      : problem("console_not_built", "This server found no built files of the web console when it started."),
  );
}

async function sendFile(
  request: FastifyRequest,
  reply: FastifyReply,
  { bytes, mediaType, etag }: ConsoleFile,
): Promise<FastifyReply> {
  reply.header("etag", etag);
  if (matchesEtag(request.headers["if-none-match"], etag)) return await reply.code(304).send();
  return await reply.type(mediaType).send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
}
