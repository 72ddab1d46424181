// From a declaration to a connection.

import { StreamableHTTPClientTransport, type Transport } from "@modelcontextprotocol/client";
import { TOOL_CALL_SECONDS_MAX } from "../../base/limits.ts";
import type { AllowlistEntry } from "../../core/egress/allowlist.ts";
import type { McpServer } from "../../ports.ts";
import { isPassingStatus, retryAfterMsOf } from "../../core/resilience/passing.ts";
import { NotProven } from "../egress/before-sending.ts";
import { createCheckedFetch, type CheckedFetch, NotSent, UnusableAnswer } from "../egress/checked-fetch.ts";
import { openMcpServer, Unavailable } from "./server.ts";
import { createStdioTransport } from "./stdio-transport.ts";

/** Of one answer over HTTP; a tool's own text is cut much earlier. */
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;

/** Everything that is needed to reach one server, its secrets resolved. */
export type McpEndpoint =
  | {
      readonly transport: "http";
      readonly url: string;
      readonly bearerToken: string | null;
      readonly privateNetwork: boolean;
    }
  | {
      readonly transport: "stdio";
      readonly command: string;
      readonly args: readonly string[];
      readonly cwd: string;
      readonly environment: Readonly<Record<string, string>>;
    };

export type McpOpenOptions = {
  readonly allowlist: readonly AllowlistEntry[];
  readonly stderr: "ignore" | "inherit";
  readonly onListChanged?: () => void;
};

/** Nothing is started or sent before the first use. */
export function openMcpEndpoint(endpoint: McpEndpoint, options: McpOpenOptions): McpServer {
  const { onListChanged } = options;
  return openMcpServer({
    openTransport: (onClose) => transportOf(endpoint, options, onClose),
    isNotSent: (error) => error instanceof NotSent || error instanceof NotProven,
    isUnusable: (error) => error instanceof UnusableAnswer,
    ...(onListChanged === undefined ? {} : { onListChanged }),
  });
}

function transportOf(
  endpoint: McpEndpoint,
  { allowlist, stderr }: McpOpenOptions,
  onClose: () => void,
): Transport {
  if (endpoint.transport === "stdio") return createStdioTransport({ ...endpoint, stderr }, onClose);
  const { url, bearerToken, privateNetwork } = endpoint;
  return new StreamableHTTPClientTransport(new URL(url), {
    fetch: refusingUnavailable(
      createCheckedFetch({
        allowlist,
        permitAddress: () => privateNetwork,
        answerBytesMax: ANSWER_BYTES_MAX,
        timeoutMs: TOOL_CALL_SECONDS_MAX * 1_000,
      }),
    ),
    requestInit: {
      redirect: "error",
      ...(bearerToken === null ? {} : { headers: { authorization: `Bearer ${bearerToken}` } }),
    },
    // A stream that broke is not taken up again: what it would bring is asked for anew.
    reconnectionOptions: {
      initialReconnectionDelay: 1_000,
      maxReconnectionDelay: 1_000,
      reconnectionDelayGrowFactor: 1,
      maxRetries: 0,
    },
    onInsufficientScope: "throw",
  });
}

// The SDK keeps the status of such an answer and drops the rest, and the rest says when to come again.
function refusingUnavailable(fetch: CheckedFetch): CheckedFetch {
  return async (url, init) => {
    const response = await fetch(url, init);
    if (!isPassingStatus(response.status)) return response;
    await response.body?.cancel().catch(() => undefined);
    const { headers, status } = response;
    throw new Unavailable(status, retryAfterMsOf(headers.get("retry-after"), headers.get("date")));
  };
}
