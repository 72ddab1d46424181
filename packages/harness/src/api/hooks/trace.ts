// Each request is a span. What a caller says of its own trace is linked and not continued: whoever may call could
// otherwise write into anybody's trace (spec/conventions.md, W3C trace context).

import { AsyncResource } from "node:async_hooks";
import type { FastifyInstance } from "fastify";
import { HTTP } from "../../core/telemetry/names.ts";
import { parseTraceparent } from "../../core/telemetry/traceparent.ts";
import type { OpenSpan, Telemetry } from "../../ports.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** For whoever is refused, to name; null where no traces are made. */
    traceId: string | null;
  }
}

type Traced = { readonly span: OpenSpan; readonly resource: AsyncResource; readonly startedAt: number };

/** For the root instance, before any other hook: what fails in those is seen as well. */
export function traceRequests(app: FastifyInstance, telemetry: Telemetry): void {
  const traced = new WeakMap<object, Traced>();
  app.decorateRequest("traceId", null);
  app.addHook("onRequest", (request, _reply, done) => {
    const route = request.routeOptions.url ?? "unrouted";
    const from = request.headers["traceparent"];
    const linked = typeof from === "string" && parseTraceparent(from) !== null ? [from] : [];
    const span = telemetry.start(`${request.method} ${route}`, {
      kind: "server",
      parent: null,
      links: linked,
      attributes: { [HTTP.method]: request.method, [HTTP.route]: route },
    });
    span.run(() => {
      request.traceId = parseTraceparent(telemetry.traceparent())?.traceId ?? null;
      const resource = new AsyncResource("assent.request");
      traced.set(request, { span, resource, startedAt: performance.now() });
      done();
    });
  });
  // Reading a body goes on in the socket's own context, which knows no request.
  app.addHook("preValidation", (request, _reply, done) => {
    const known = traced.get(request);
    if (known === undefined) done();
    else
      known.resource.runInAsyncScope(() => {
        done();
      });
  });
  app.addHook("onResponse", (request, reply, done) => {
    const known = traced.get(request);
    traced.delete(request);
    if (known !== undefined) {
      const attributes = {
        [HTTP.method]: request.method,
        [HTTP.route]: request.routeOptions.url ?? "unrouted",
        [HTTP.status]: reply.statusCode,
      };
      known.span.set({ [HTTP.status]: reply.statusCode });
      if (reply.statusCode >= 500) known.span.fail(String(reply.statusCode));
      known.span.end();
      telemetry.record(
        "http.server.request.duration",
        (performance.now() - known.startedAt) / 1_000,
        attributes,
      );
    }
    done();
  });
}
