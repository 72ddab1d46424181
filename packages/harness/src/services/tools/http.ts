// A tool of the operator's own, behind a URL that the operator declared. The model chooses the arguments and nothing
// else: no URL, no header, no method.

import { deadline } from "../deadline.ts";
import { z } from "zod";
import { assert } from "../../base/assert.ts";
import { PREVIEW_CHARS_MAX, TOOL_OUTPUT_CHARS_MAX } from "../../base/limits.ts";
import { err, ok, type Result } from "../../base/result.ts";
import { visibleText } from "../../core/path/visible-text.ts";
import type { StepError } from "../../core/run/journal.ts";
import { type Destination, destinationOf, type Manifest } from "../../core/tool.ts";
import type { DoneCall, Tool, ToolContext, ToolResult } from "../../ports.ts";
import { cutTo } from "./output.ts";
import { isPassingStatus, type PassingError, retryAfterMsOf } from "../../core/resilience/passing.ts";
import { parseArguments } from "./workspace-tool.ts";

/** Of an answer; the rest is not read. UTF-8 takes up to three bytes for a code unit. */
const ANSWER_BYTES_MAX = TOOL_OUTPUT_CHARS_MAX * 3;

/**
 * The fencing token of the lease under which a request is made. A worker that was stopped before its bytes went out sends them
 * when it wakes; a server that has seen a higher token under the same key (a look is enough) refuses what comes with a lower.
 */
const FENCING_TOKEN_HEADER = "assent-fencing-token";

export type HttpToolOptions = {
  readonly manifest: Manifest;
  /** Receives `POST {"tool": …, "arguments": …}` with the header `Idempotency-Key`. */
  readonly url: string;
  /** Answers `GET` with the same header: 200 and the result, or 404 when nothing was done under that key. */
  readonly checkUrl?: string;
  /**
   * Where the manifest names a compensation: receives `POST {"tool": …, "arguments": …, "compensates": <key of the
   * call>, "output": …}` under a key of its own. Where that call was never carried out it changes nothing and says 200.
   */
  readonly compensationUrl?: string;
  /** Sent with every request: credentials of the operator's server. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Which credential that is, by the name under which the operator keeps it: another may be another's account. */
  readonly credential?: string;
  readonly timeoutMs: number;
  readonly fetch: typeof fetch;
};

/**
 * Error codes of `execute`: `not_sent` (surely nothing happened), `http_refused` (the server said no),
 * `outcome_unknown` (the request may have been carried out: a `once` tool is in doubt from then on).
 * `check` gives the result, the error `did_not_happen`, or null where it cannot tell.
 * @throws AssertionFailed for a configuration that cannot work or cannot be validated against
 */
export function createHttpTool(options: HttpToolOptions): Tool {
  const { manifest } = options;
  const schema = schemaOf(manifest);
  const host = requireHttp(options.url, manifest.name);
  const { checkUrl, compensationUrl } = options;
  if (checkUrl !== undefined) requireHttp(checkUrl, manifest.name);
  if (compensationUrl !== undefined) requireHttp(compensationUrl, manifest.name);
  assert(
    (compensationUrl === undefined) === (manifest.compensation === undefined),
    `${manifest.name} names a compensation, and where to ask for it, or neither`,
  );
  const destination = destinationOfTool(options);
  return {
    scope: "world",
    manifest,
    destination,
    plan: async (args) => {
      const parsed = parseArguments(schema, args);
      if (!parsed.ok) return parsed;
      const preview = visibleText(JSON.stringify(args, null, 2));
      if (preview.length > PREVIEW_CHARS_MAX)
        return err({
          code: "preview_too_large",
          detail: `The arguments are longer than ${PREVIEW_CHARS_MAX} characters; nobody could review them.`,
        });
      const { compensation } = manifest;
      const undo =
        compensation === undefined ? "" : `. Taken back if the run fails: ${compensation.description}`;
      return ok({ summary: `Call ${manifest.name} at ${host}${undo}`, preview, precondition: destination });
    },
    execute: async (args, _precondition, context) => {
      const parsed = parseArguments(schema, args);
      if (!parsed.ok) return parsed;
      return await call(options, options.url, { arguments: args }, context);
    },
    ...(checkUrl === undefined
      ? {}
      : { check: async (effectId, context) => await check(options, checkUrl, { ...context, effectId }) }),
    ...(compensationUrl === undefined
      ? {}
      : {
          compensate: async ({ arguments: args, effectId, output }: DoneCall, context: ToolContext) =>
            await call(options, compensationUrl, { arguments: args, compensates: effectId, output }, context),
        }),
  };
}

// A fragment, and how a host is spelt, change nothing about where a request goes.
const addressOf = (text: string | undefined): string | null => {
  const url = text === undefined ? null : URL.parse(text);
  if (url === null) return null;
  url.hash = "";
  return url.href;
};

const destinationOfTool = ({
  url,
  checkUrl,
  compensationUrl,
  headers = {},
  credential = "",
}: HttpToolOptions): Destination =>
  destinationOf({
    kind: "http",
    url: addressOf(url),
    check_url: addressOf(checkUrl),
    compensation_url: addressOf(compensationUrl),
    headers: [...new Headers(headers).keys()],
    credential,
  });

// An argument that the operator did not declare is refused, unless the schema says that others are welcome.
function schemaOf(manifest: Manifest): z.ZodType {
  assert(manifest.inputSchema["type"] === "object", `the arguments of ${manifest.name} are an object`);
  return z.fromJSONSchema({ additionalProperties: false, ...manifest.inputSchema });
}

function requireHttp(text: string, tool: string): string {
  const url = URL.parse(text);
  assert(url !== null && ["http:", "https:"].includes(url.protocol), `the URL of ${tool} is http or https`);
  assert(
    url.username === "" && url.password === "",
    `credentials of ${tool} belong in bearer_token_env, not in its URL`,
  );
  return url.host;
}

async function call(
  options: HttpToolOptions,
  url: string,
  told: Readonly<Record<string, unknown>>,
  context: ToolContext,
): Promise<Result<ToolResult, StepError>> {
  const { manifest } = options;
  if (context.signal.aborted)
    return err({ code: "not_sent", detail: `${manifest.name} was called off before it was called.` });
  // Made outside the try: whatever goes wrong here, nothing was sent.
  const body = JSON.stringify({ tool: manifest.name, ...told });
  using limit = deadline(options.timeoutMs, context.signal);
  const sent = { ...context, signal: limit.signal };
  const proven = provenBody(body, manifest.effect === "none" ? undefined : context.prove);
  let response: Response;
  try {
    response = await send(options, url, { method: "POST", body: proven }, sent);
  } catch (error) {
    if (!proven.wasGiven() || neverConnected(error)) return err(notSent(manifest.name));
    const lost = unknown(manifest.name, "no answer came back");
    const passing: PassingError = { ...lost, passes: { retryAfterMs: null } };
    return err(manifest.effect === "once" ? lost : passing);
  }
  if (!response.ok) {
    await letGo(response);
    const error = refusal(manifest.name, response.status);
    if (manifest.effect === "once" || !isPassingStatus(response.status)) return err(error);
    const retryAfterMs = retryAfterMsOf(response.headers.get("retry-after"), response.headers.get("date"));
    const passing: PassingError = { ...error, passes: { retryAfterMs } };
    return err(passing);
  }
  return ok({ output: await answerOf(response), label: manifest.returns });
}

type ProvenBody = {
  readonly chunks: AsyncIterable<Uint8Array>;
  readonly sizeBytes: number;
  /** False: it is still here, and with it all of the request. */
  wasGiven(): boolean;
};

/**
 * Nothing of a request is sent before the first part of its body is there (undici over HTTP/1.1: the head goes out with
 * it), and for that is asked when the connection is made: a lookup, a handshake and whatever stopped this process
 * meanwhile lie behind. So whatever fails before that, of TLS or of our patience, has sent nothing.
 */
function provenBody(text: string, prove: ToolContext["prove"]): ProvenBody {
  const bytes = new TextEncoder().encode(text);
  let wasGiven = false;
  const chunks = async function* (): AsyncGenerator<Uint8Array> {
    // `fetch` copies the body to have it twice, and that takes one part ahead, before anybody is connected: an empty one,
    // which is not sent. The next is asked for by whoever is about to write.
    yield new Uint8Array(0);
    await prove?.();
    wasGiven = true;
    yield bytes;
  };
  return { chunks: chunks(), sizeBytes: bytes.byteLength, wasGiven: () => wasGiven };
}

async function check(
  options: HttpToolOptions,
  url: string,
  context: ToolContext,
): Promise<Result<ToolResult, StepError> | null> {
  using limit = deadline(options.timeoutMs, context.signal);
  const sent = { ...context, signal: limit.signal };
  let response: Response;
  try {
    response = await send(options, url, { method: "GET" }, sent);
  } catch (error) {
    if (error instanceof Error) return null;
    throw error;
  }
  if (response.status === 200)
    return ok({ output: await answerOf(response), label: options.manifest.returns });
  await letGo(response);
  if (response.status !== 404) return null;
  return err({ code: "did_not_happen", detail: `${options.manifest.name} did nothing under this key.` });
}

// A connection that broke behind the status says nothing more than the status did.
async function letGo(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => undefined);
}

async function send(
  { headers = {}, fetch: fetchUrl }: HttpToolOptions,
  url: string,
  { method, body }: { readonly method: "POST" | "GET"; readonly body?: ProvenBody },
  { effectId, fencingToken, signal }: Pick<ToolContext, "effectId" | "fencingToken" | "signal">,
): Promise<Response> {
  const all = new Headers(headers);
  all.set("accept", "application/json, text/plain;q=0.9, */*;q=0.1");
  all.set("idempotency-key", effectId);
  if (fencingToken !== undefined) all.set(FENCING_TOKEN_HEADER, String(fencingToken));
  if (body !== undefined) {
    all.set("content-type", "application/json");
    // Else it would be sent in chunks, which not every server takes.
    all.set("content-length", String(body.sizeBytes));
  }
  return await fetchUrl(url, {
    method,
    ...(body === undefined ? {} : { body: ReadableStream.from(body.chunks), duplex: "half" }),
    headers: all,
    // Shown to us and not followed: a redirect would send the arguments where the operator did not say.
    redirect: "manual",
    signal,
  });
}

// --- what came of it -------------------------------------------------------------------------------------------

const REFUSED_BEFORE_CONNECT: readonly string[] = [
  "ENOTFOUND",
  "EAI_AGAIN",
  "ENETUNREACH",
  "EHOSTUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
];

/**
 * Whether the connection was never made, so that not one byte of the request left. Everything else, also a reset and
 * a time-out, may have come after the server had read the request.
 */
function neverConnected(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // One error for each address that was tried: all of them must have failed.
  if (error instanceof AggregateError)
    return error.errors.length > 0 && error.errors.every((each) => neverConnected(each));
  if ("syscall" in error && error.syscall === "connect") return true;
  if ("code" in error && REFUSED_BEFORE_CONNECT.includes(String(error.code))) return true;
  return error.cause !== undefined && neverConnected(error.cause);
}

function refusal(tool: string, status: number): StepError {
  // 307 and 308 ask for the same request elsewhere: it was not carried out here. The other redirects are what servers
  // answer after they have done what a POST asks.
  if (status === 307 || status === 308)
    return {
      code: "redirect_refused",
      detail: `${tool} answered with a redirect (${status}); none is followed.`,
    };
  // 408: the server gave up waiting, at whatever point.
  if (status >= 400 && status < 500 && status !== 408)
    return { code: "http_refused", detail: `${tool} refused the call with status ${status}.` };
  return unknown(tool, `it answered with status ${status}`);
}

function notSent(tool: string): StepError {
  return { code: "not_sent", detail: `${tool} could not be reached; nothing was sent.` };
}

function unknown(tool: string, because: string): StepError {
  return {
    code: "outcome_unknown",
    detail: `Whether ${tool} was carried out is not known: ${because}.`,
  };
}

// A status of success means that it happened, even when the answer is lost on the way.
async function answerOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  let lost = "";
  try {
    for await (const chunk of response.body ?? []) {
      chunks.push(chunk);
      sizeBytes += chunk.byteLength;
      if (sizeBytes > ANSWER_BYTES_MAX) break;
    }
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    lost = "\n[The call succeeded, but the rest of its answer was lost.]";
  }
  const text = new TextDecoder().decode(Buffer.concat(chunks));
  const room = TOOL_OUTPUT_CHARS_MAX - 100;
  if (text.length > room) return `${cutTo(text, room)}\n[The answer is cut at ${room} characters.]`;
  return `${text === "" ? "[The answer is empty.]" : text}${lost}`;
}
