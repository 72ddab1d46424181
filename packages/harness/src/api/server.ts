// The HTTP edge, put together. The order of what happens to a request (after Fastify's docs/Reference/Lifecycle.md):
//
//   parser of Node      400, 408, 431    clientError, on the bare socket
//   router              400, 404         frameworkErrors
//   onRequest, root     400, 404, 405, 415, 421, 503   guardRequest
//   onRequest, scope    401, 403, 406, 429, 503   let in (address, credential, quotas, rules), negotiate
//   body parser         400, 413, 415    acceptStrictJson
//   preValidation       401              signatures, where there is one or has to be one
//   validation          400              schemas of the contract
//   handler             the route's own
//   serialiser          500              a response that its schema does not allow

import type { Problem, RouteAction } from "@assent/contract";
import fastify, { type FastifyInstance } from "fastify";
import { serializerCompiler, validatorCompiler } from "fastify-type-provider-zod";
import { assert } from "../base/assert.ts";
import { EVENT_STREAMS_MAX, REQUEST_BODY_BYTES_MAX } from "../base/limits.ts";
import type { Log, QuotaState, Telemetry } from "../ports.ts";
import type { Harness } from "../services/harness.ts";
import { createAddressGuard } from "./address-guard.ts";
import { lastProblem } from "./answer.ts";
import { acceptStrictJson } from "./body.ts";
import { type ConnectionLimits, limitConnections } from "./connection-guard.ts";
import { type ClientErrors, createClientErrors } from "./client-error.ts";
import type { Console } from "./console-files.ts";
import { type EventStreams, createEventStreams } from "./event-stream.ts";
import { refuseUnguardedRoutes, requireKeys } from "./hooks/authenticate.ts";
import { guardRequest, hostName, refuseUnacceptable } from "./hooks/guard.ts";
import { silentTelemetry } from "../services/traced/silent.ts";
import { traceRequests } from "./hooks/trace.ts";
import { answerError } from "./hooks/problem.ts";
import { requireSignatures } from "./hooks/signature.ts";
import {
  CLOSE_GRACE_MS,
  CONNECTION_CHECK_INTERVAL_MS,
  CONNECTIONS_ADDRESS_MAX,
  CONNECTIONS_MAX,
  HEADERS_TIMEOUT_MS,
  HEARTBEAT_MS,
  KEEP_ALIVE_TIMEOUT_MS,
  PATH_SEGMENT_CHARS_MAX,
  REQUEST_TIMEOUT_MS,
} from "./limits.ts";
import { parseQuery } from "./query.ts";
import { type ArtifactLimits, type ArtifactRoom, createArtifactRoom } from "./artifact-room.ts";
import { addAccess } from "./routes/access.ts";
import { addApprovals } from "./routes/approve.ts";
import { addArtifacts } from "./routes/artifacts.ts";
import { addAudit } from "./routes/audit.ts";
import { addConsole } from "./routes/console.ts";
import { addDocuments } from "./routes/documents.ts";
import { addEvents } from "./routes/events.ts";
import { addExternalRuns } from "./routes/external.ts";
import { addHealth } from "./routes/health.ts";
import { addKeys } from "./routes/keys.ts";
import { addSigningKeys } from "./routes/signing-keys.ts";
import { addWebhooks } from "./routes/webhooks.ts";
import { addPrincipals } from "./routes/principals.ts";
import { addMetrics } from "./routes/metrics.ts";
import { addOpenApi } from "./routes/open-api.ts";
import { addDecisions } from "./routes/decisions.ts";
import { addWaiting } from "./routes/waiting.ts";
import { addEscalations } from "./routes/escalations.ts";
import { addPolicies } from "./routes/policies.ts";
import { addPrecedents } from "./routes/precedents.ts";
import { addQuality } from "./routes/quality.ts";
import { addRetention } from "./routes/retention.ts";
import { addSpending } from "./routes/spending.ts";
import { addRunCommands } from "./routes/run.ts";
import { addRunQueries } from "./routes/runs.ts";
import type { Api } from "./route-options.ts";

export type ServerOptions = {
  readonly log: Log;
  readonly telemetry?: Telemetry;
  /** Names, without port, that requests may be sent to besides the address listened on (a proxy's, for instance). */
  readonly hosts?: readonly string[];
  readonly heartbeatMs?: number;
  readonly eventStreamsMax?: number;
  readonly artifacts?: Partial<ArtifactLimits>;
  /** Time a request's headers, and the whole of it, may take to arrive. */
  readonly headersTimeoutMs?: number;
  readonly requestTimeoutMs?: number;
  /** What one address may send in all, whoever it is; null for no limit. */
  readonly addressQuota?: QuotaState["quota"] | null;
  /** The web console's files; left out, none are given. */
  readonly console?: Console;
  /** Left out: the usual ones; none for an address that may send what it likes. */
  readonly connections?: ConnectionLimits;
};

export type RegisteredRoute = {
  readonly method: string;
  readonly path: string;
  readonly action: RouteAction;
};

export type ApiServer = {
  /** What the router answers to, asked of the router: no list that somebody keeps could lack one. */
  readonly routes: readonly RegisteredRoute[];
  /**
   * @param host an address of this machine, or `localhost`, which is taken as 127.0.0.1
   * @param port 0 for any free one
   * Rejects when the address cannot be had. `url` has no final slash.
   */
  listen(host: string, port: number): Promise<{ readonly url: string }>;
  /** Ends event streams at once, lets open requests finish for CLOSE_GRACE_MS, then cuts them. May be called again. */
  close(): Promise<void>;
};

/** Rejects when a route is not guarded as the contract says. */
export async function createServer(harness: Harness, options: ServerOptions): Promise<ApiServer> {
  const streams = createEventStreams(harness, {
    log: options.log,
    heartbeatMs: options.heartbeatMs ?? HEARTBEAT_MS,
    streamsMax: options.eventStreamsMax ?? EVENT_STREAMS_MAX,
  });
  const state: State = { hosts: null, closing: false };
  const app = createApp(harness, options, state);
  limitConnections(app.server, options.connections ?? connectionLimits(options));
  const routes: RegisteredRoute[] = [];
  app.addHook("onRoute", ({ method, url, config }) => {
    const action = config?.action;
    assert(action !== undefined, `route ${String(method)} ${url} declares which action it is`);
    for (const each of [method].flat()) routes.push({ method: each, path: url, action });
  });
  app.register(async (open: FastifyInstance) => {
    addNegotiation(open);
    addHealth(open.withTypeProvider(), harness, options.log);
  });
  const addresses = createAddressGuard(options.addressQuota ?? null);
  app.register(async (open: FastifyInstance) => {
    addNegotiation(open);
    addConsole(open.withTypeProvider(), options.console ?? { state: "off" }, addresses);
  });
  app.register(async (guarded: FastifyInstance) => {
    requireKeys(guarded, {
      harness,
      addresses,
      log: options.log,
    });
    requireSignatures(guarded, harness);
    addNegotiation(guarded);
    addRoutes(guarded.withTypeProvider(), harness, streams, createArtifactRoom(options.artifacts));
    addMetrics(guarded.withTypeProvider(), options.telemetry ?? silentTelemetry);
  });
  await app.ready();
  let closed: Promise<void> | undefined;
  return {
    routes,
    listen: async (host, port) => {
      const address = host === "localhost" ? "127.0.0.1" : host;
      state.hosts = allowedHosts(host, options.hosts ?? []);
      await app.listen({ host: address, port });
      return { url: urlOf(address, app) };
    },
    close: async () => {
      closed ??= close(app, state, streams);
      await closed;
    },
  };
}

const connectionLimits = ({ addressQuota = null }: ServerOptions): ConnectionLimits => ({
  total: CONNECTIONS_MAX,
  perAddress: addressQuota === null ? null : CONNECTIONS_ADDRESS_MAX,
});

type State = { hosts: ReadonlySet<string> | null; closing: boolean };

function addRoutes(api: Api, harness: Harness, streams: EventStreams, room: ArtifactRoom): void {
  addRunCommands(api, harness);
  addRunQueries(api, harness);
  addExternalRuns(api, harness);
  addEvents(api, harness, streams);
  addArtifacts(api, harness, room);
  addApprovals(api, harness);
  addKeys(api, harness);
  addSigningKeys(api, harness);
  addWebhooks(api, harness);
  addPrincipals(api, harness);
  addAccess(api, harness);
  addPrecedents(api, harness);
  addEscalations(api, harness);
  addPolicies(api, harness);
  addDocuments(api, harness);
  addAudit(api, harness);
  addSpending(api, harness);
  addQuality(api, harness);
  addRetention(api, harness);
  addDecisions(api, harness);
  addWaiting(api, harness);
  addOpenApi(api);
}

function addNegotiation(scope: FastifyInstance): void {
  scope.addHook("onRequest", async (request, reply) => await refuseUnacceptable(request, reply));
}

// Own ids only: one that came from outside could forge or hide entries of the log.
function newRequestId(): string {
  return `req_${crypto.randomUUID().replaceAll("-", "")}`;
}

function createApp(harness: Harness, options: ServerOptions, state: State): FastifyInstance {
  const clientErrors: ClientErrors = createClientErrors(newRequestId);
  const app = fastify({
    http: {
      headersTimeout: options.headersTimeoutMs ?? HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: CONNECTION_CHECK_INTERVAL_MS,
      // Node would answer a missing Host with an empty 400; guardRequest answers with a problem.
      requireHostHeader: false,
    },
    requestTimeout: options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    bodyLimit: REQUEST_BODY_BYTES_MAX,
    // Fastify's own 503 is no problem document; guardRequest sends one.
    return503OnClosing: false,
    forceCloseConnections: "idle",
    trustProxy: false,
    requestIdHeader: false,
    genReqId: newRequestId,
    routerOptions: { maxParamLength: PATH_SEGMENT_CHARS_MAX, querystringParser: parseQuery },
    clientErrorHandler: clientErrors.handle,
    frameworkErrors: (error, request, reply) => {
      answerError(error, request, reply, options.log);
    },
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.decorateRequest("rawBody", null);
  app.decorate("showProblem", (document: Problem) => harness.showProblem(document));
  traceRequests(app, options.telemetry ?? silentTelemetry);
  acceptStrictJson(app);
  refuseUnguardedRoutes(app);
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply, options.log));
  const guard = { hosts: () => state.hosts, closing: () => state.closing };
  app.addHook("onRequest", async (request, reply) => {
    clientErrors.track(request, reply);
    return await guardRequest(request, reply, guard);
  });
  app.addHook("onSend", async (_request, reply) => {
    // Kept open, the connection would hold up the close until its time is over.
    if (state.closing) reply.header("connection", "close");
  });
  // By Node's response, which waits for its turn behind earlier requests of the connection and gives HEAD no body.
  app.server.on("checkExpectation", (_request, response) => {
    const detail = "The server knows no expectation but 100-continue.";
    const { status, headers, body } = lastProblem("expectation_failed", detail, newRequestId());
    response.writeHead(status, headers).end(body);
  });
  return app;
}

async function close(app: FastifyInstance, state: State, streams: EventStreams): Promise<void> {
  state.closing = true;
  streams.closeAll();
  const cut = setTimeout(() => app.server.closeAllConnections(), CLOSE_GRACE_MS);
  try {
    await app.close();
  } finally {
    clearTimeout(cut);
  }
}

/**
 * Against DNS rebinding: a page whose name an attacker points at 127.0.0.1 reaches a loopback server through its
 * visitor's browser, but it cannot change the Host header that the browser sends.
 */
function allowedHosts(host: string, names: readonly string[]): ReadonlySet<string> | null {
  const bound = hostName(host.includes(":") ? `[${host}]` : host) ?? host;
  const isLoopback = bound === "localhost" || bound === "[::1]" || bound.startsWith("127.");
  if (!isLoopback && names.length === 0) return null;
  const loopback = isLoopback ? ["127.0.0.1", "localhost", "[::1]"] : [];
  return new Set([bound, ...loopback, ...names.map((name) => name.toLowerCase())]);
}

function urlOf(address: string, app: FastifyInstance): string {
  const bound = app.addresses().find((found) => typeof found === "object");
  assert(bound !== undefined, "a listening server has an address");
  const reachable = address === "0.0.0.0" ? "127.0.0.1" : address === "::" ? "::1" : address;
  return `http://${reachable.includes(":") ? `[${reachable}]` : reachable}:${bound.port}`;
}
