// A connection to one MCP server, made when it is first needed and again after it broke. It speaks 2026-07-28 and
// 2025-11-25, offers the server nothing (no sampling, roots or elicitation), and repeats nothing.

import {
  Client,
  type ClientOptions,
  ProtocolError,
  SdkHttpError,
  type Tool,
  type Transport,
} from "@modelcontextprotocol/client";
import { TOOL_CALL_SECONDS_MAX } from "../../base/limits.ts";
import { err, ok, type Result } from "../../base/result.ts";
import { type McpDefinition, mcpDefinitionSchema } from "../../core/mcp/definition.ts";
import type { PassingError } from "../../core/resilience/passing.ts";
import type { McpServer, McpUnasked } from "../../ports.ts";
import { underProof } from "../egress/before-sending.ts";
import { abortable } from "../egress/breaking-off.ts";
import { answerText } from "./answer-text.ts";
import { askOnce, boundedTransport } from "./bounded-transport.ts";

/** For the greeting and for a list of tools; a call has its own time. */
const ASK_MS_MAX = 20_000;
/** A pipe that does not answer the newest protocol's first message is taken for one of an older. */
const PROBE_MS_MAX = 5_000;
/** Pages of a list of tools; a server whose list never ends has none. */
const LIST_PAGES_MAX = 16;
const TOOLS_MAX = 500;
const CLIENT = { name: "assent", version: "1" } as const;

/** The key under which a server may notice a call that it has carried out already. */
const IDEMPOTENCY_KEY_META = "assent/idempotency-key";
/** And that one comes late: of two calls with one key the one with the lower number. */
const FENCING_TOKEN_META = "assent/fencing-token";

/** The server answered that it cannot answer now. */
export class Unavailable extends Error {
  override readonly name = "Unavailable";
  readonly status: number;
  readonly retryAfterMs: number | null;

  /** @param retryAfterMs when it wants to be asked again; null: it does not say */
  constructor(status: number, retryAfterMs: number | null) {
    super(`The server answered with status ${status}.`);
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

export type McpServerOptions = {
  /** @param onClose to be called when it has ended by itself */
  readonly openTransport: (onClose: () => void) => Transport;
  /** Whether an error says that nothing was sent. */
  readonly isNotSent: (error: unknown) => boolean;
  /** Whether it says that the answer is none that could be taken. */
  readonly isUnusable: (error: unknown) => boolean;
  /** The server says that its tools are others now. */
  readonly onListChanged?: () => void;
};

export function openMcpServer(options: McpServerOptions): McpServer {
  let opened: Opened | null = null;
  const withClient = async <T>(signal: AbortSignal, work: (client: Client) => Promise<T>): Promise<T> => {
    const one = (opened ??= open(options, (ended) => {
      if (opened?.client === ended) opened = null;
    }));
    one.users += 1;
    try {
      await abortable(one.ready, signal);
      return await work(one.client);
    } catch (error) {
      if (isOverSession(error) && opened === one) opened = null;
      throw error;
    } finally {
      one.users -= 1;
      // Others may still be called over a connection that is given up: it ends with the last of them.
      if (opened !== one && one.users === 0) await one.close();
    }
  };
  const listOnce = async (signal: AbortSignal): Promise<readonly Tool[]> =>
    await withClient(signal, async (client) => await listTools(client, signal));
  return {
    list: async (signal) => {
      try {
        const first = await listOnce(signal).catch(async (error: unknown) => {
          if (isOverSession(error)) return await listOnce(signal);
          throw error;
        });
        return definitionsOf(first);
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        // Nothing can have happened: a list has no effect.
        const failed: PassingError & McpUnasked = {
          code: "not_sent",
          why: whyOf(error, options),
          detail: "The MCP server could not be asked for its tools; nothing was sent.",
          passes: passesOf(error, options),
        };
        return err(failed);
      }
    },
    call: async (tool, args, { effectId, fencingToken, signal, prove }) => {
      const token = fencingToken === undefined ? {} : { [FENCING_TOKEN_META]: fencingToken };
      try {
        const call = async (client: Client): ReturnType<Client["callTool"]> =>
          await client.callTool(
            {
              name: tool.name,
              arguments: { ...args },
              _meta: { [IDEMPOTENCY_KEY_META]: effectId, ...token },
            },
            { toolDefinition: asTool(tool), signal, timeout: TOOL_CALL_SECONDS_MAX * 1_000 },
          );
        const proven = async (client: Client): ReturnType<typeof call> =>
          await (prove === undefined ? call(client) : underProof(prove, async () => await call(client)));
        const answer = await withClient(
          signal,
          async (client) => await askOnce(async () => await proven(client)),
        );
        return ok(answerText(answer));
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        return err(failureOf(error, options));
      }
    },
    close: async () => {
      const one = opened;
      opened = null;
      await one?.close();
    },
  };
}

type Opened = {
  readonly client: Client;
  readonly ready: Promise<void>;
  /** Who has it in hand. */
  users: number;
  /** Also while it is not ready yet: a server that takes its time with the greeting holds nobody's end up. */
  close(): Promise<void>;
};

function open(options: McpServerOptions, onEnd: (ended: Client) => void): Opened {
  const client = new Client(CLIENT, clientOptions(options));
  const transport = boundedTransport(
    options.openTransport(() => {
      onEnd(client);
    }),
  );
  const ready = (async () => {
    try {
      await client.connect(transport, { timeout: ASK_MS_MAX });
    } catch (error) {
      await client.close();
      onEnd(client);
      throw error;
    }
  })();
  return {
    client,
    ready,
    users: 0,
    close: async () => {
      try {
        await transport.close();
        await ready;
        await client.close();
      } catch (error) {
        // It never came to be, or is gone already.
        if (!(error instanceof Error)) throw error;
      }
    },
  };
}

/**
 * A server of the older protocol that was started again knows nothing of the session in which it is asked (404, by the
 * specification; some say 400): the session ends here, and another may be begun.
 */
const isOverSession = (error: unknown): boolean =>
  error instanceof SdkHttpError && (error.status === 404 || error.status === 400);

/**
 * All pages of the list, asked for and never remembered: what counts is what the server says now. Not by the client's
 * own list, which writes names that the server chose on our terminal as they are.
 */
async function listTools(client: Client, signal: AbortSignal): Promise<readonly Tool[]> {
  if (client.getServerCapabilities()?.tools === undefined) return [];
  const tools: Tool[] = [];
  let cursor: string | undefined;
  for (let pages = 0; pages < LIST_PAGES_MAX; pages += 1) {
    const params = cursor === undefined ? {} : { cursor };
    const page = await askOnce(
      async () => await client.request({ method: "tools/list", params }, { signal, timeout: ASK_MS_MAX }),
    );
    tools.push(...page.tools);
    cursor = page.nextCursor;
    if (cursor === undefined) return tools;
  }
  throw new Error(`The list of tools has more than ${LIST_PAGES_MAX} pages.`);
}

function clientOptions({ onListChanged }: McpServerOptions): ClientOptions {
  return {
    capabilities: {},
    versionNegotiation: { mode: "auto", probe: { timeoutMs: PROBE_MS_MAX } },
    // Whatever a server asks of us in the middle of a call: there is nobody who could answer it.
    inputRequired: { autoFulfill: false },
    // A server's output schema is its own affair: compiling it would cost us time, and its references lead anywhere.
    // `asTool` leaves it out, so this is never asked.
    jsonSchemaValidator: {
      getValidator() {
        throw new Error("no output schema is ever compiled");
      },
    },
    ...(onListChanged === undefined
      ? {}
      : { listChanged: { tools: { autoRefresh: false, debounceMs: 0, onChanged: onListChanged } } }),
  };
}

function definitionsOf(tools: readonly Tool[]): Result<readonly McpDefinition[], McpUnasked> {
  const detail = "The MCP server's list of tools cannot be read.";
  const failed = { code: "mcp_failed", detail, why: detail };
  if (tools.length > TOOLS_MAX) return err(failed);
  const definitions: McpDefinition[] = [];
  for (const { name, title, description = "", inputSchema, annotations = {} } of tools) {
    const hints = Object.fromEntries(Object.entries(annotations).filter(([, hint]) => hint !== undefined));
    const known = mcpDefinitionSchema.safeParse({
      name,
      ...(title === undefined ? {} : { title }),
      description,
      inputSchema,
      annotations: hints,
    });
    if (!known.success) return err(failed);
    definitions.push(known.data);
  }
  return ok(definitions);
}

function asTool({ name, description, inputSchema }: McpDefinition): Tool {
  return { name, description, inputSchema: { ...inputSchema, type: "object" } };
}

/** JSON-RPC errors by which a server says that it did not even begin. */
const REFUSALS: readonly number[] = [-32_700, -32_600, -32_601, -32_602];

// Nothing that a server wrote stands in these: it would pass for ours.
function failureOf(error: Error, options: McpServerOptions): PassingError {
  const passes = passesOf(error, options);
  if (causes(error).some(options.isNotSent) || isUnconnected(error))
    return { code: "not_sent", detail: "The MCP server could not be reached; nothing was sent.", passes };
  const status = unavailableIn(error)?.status ?? (error instanceof SdkHttpError ? error.status : null);
  const refused =
    (error instanceof ProtocolError && REFUSALS.includes(error.code)) ||
    (status !== null && status >= 400 && status < 500 && status !== 408);
  if (refused) return { code: "mcp_refused", detail: "The MCP server refused the call.", passes };
  return {
    code: "outcome_unknown",
    detail: "Whether the MCP server carried the call out is not known: no whole answer came back.",
    passes,
  };
}

/** The connection was gone when the call was begun: the client says it by a bare error, which nothing that a server says is. */
const isUnconnected = (error: Error): boolean =>
  Object.getPrototypeOf(error) === Error.prototype && error.message === "Not connected";

// Ours and the platform's words only, like those above.
function whyOf(error: Error, { isNotSent }: McpServerOptions): string {
  const status = unavailableIn(error)?.status ?? (error instanceof SdkHttpError ? error.status : null);
  if (status !== null && status !== undefined)
    return `It answered with status ${status}.${[401, 403].includes(status) ? " Is its token right?" : ""}`;
  const all = causes(error);
  const notSent = all.find((each): each is Error => each instanceof Error && isNotSent(each));
  const codes = all.flatMap((each) => (each instanceof Error && "code" in each ? [String(each.code)] : []));
  // The platform's, such as ECONNREFUSED; what wraps it says nothing that an operator could mend.
  const errno = codes.find((code) => /^E[A-Z]+$/.test(code));
  const because = errno === undefined ? "" : ` (${errno})`;
  if (notSent !== undefined) return `${notSent.message}${because}`;
  return `It gave no answer that could be used${because}. Is it there, and does it speak MCP?`;
}

/** Whether another attempt may succeed: where nothing was answered, or that it cannot be now. */
function passesOf(error: Error, { isUnusable }: McpServerOptions): PassingError["passes"] {
  const unavailable = unavailableIn(error);
  if (unavailable !== null) return { retryAfterMs: unavailable.retryAfterMs };
  const isAnswered =
    error instanceof ProtocolError || error instanceof SdkHttpError || causes(error).some(isUnusable);
  return isAnswered ? null : { retryAfterMs: null };
}

const unavailableIn = (error: Error): Unavailable | null =>
  causes(error).find((each) => each instanceof Unavailable) ?? null;

function causes(error: Error): readonly unknown[] {
  const found: unknown[] = [];
  for (let each: unknown = error; each instanceof Error && found.length < 8; each = each.cause)
    found.push(each);
  return found;
}
