// The tools of the toy's agents. Each ends at a server of the suite's.

import { canonicalJson } from "../canonical-json.ts";
import { MCP_TOOL, type McpDouble } from "../faults/mcp-server.ts";
import type { WebHost } from "../faults/web-host.ts";
import { send } from "../http.ts";
import { fieldsOf, textOf } from "../run-reading.ts";
import { type Breaks, shownText } from "./toy-run.ts";

/** Delivers one effect to the tool under its idempotency key, if any. @returns whether the tool said that it took it */
export type SendEffect = (effectId: string | null, body: string) => Promise<boolean>;

export type ToyHosts = { readonly mcp: McpDouble; readonly host: WebHost };

/** The only address of this machine that the toy may reach. */
export const OPEN_ADDRESS = "127.0.0.2";

export const listedHosts = ({ host }: ToyHosts): readonly string[] =>
  ["127.0.0.1", "localhost", OPEN_ADDRESS].map((name) => `${name}:${host.port}`);

const NEVER = new AbortController().signal;
const CALL_MS_MAX = 5_000;

async function ask(
  url: URL,
  method: string,
  body: string | null,
): Promise<{ status: number; text: string; location: string }> {
  const { status, bytes, headers } = await send(
    url.origin,
    {
      method,
      path: `${url.pathname}${url.search}`,
      headers: body === null ? {} : { "content-type": "application/json" },
      body,
    },
    { timeoutMs: CALL_MS_MAX, signal: NEVER },
  );
  return { status, text: Buffer.from(bytes).toString("utf8"), location: headers["location"] ?? "" };
}

/** As the URL's parser understands it, on the list, and not this machine. */
function mayFetch(text: string, hosts: ToyHosts, breaks: Breaks): URL | null {
  const url = URL.parse(text);
  if (url === null || url.protocol !== "http:") return null;
  if (breaks.has("egress.text"))
    return listedHosts(hosts).some((listed) => text.includes(listed)) && !isNamedHere(url) ? url : null;
  if (url.username !== "" || !listedHosts(hosts).includes(url.host)) return null;
  return url.hostname === OPEN_ADDRESS || breaks.has("egress.address") ? url : null;
}

const isNamedHere = ({ hostname }: URL): boolean =>
  ["127.0.0.1", "localhost", "localhost."].includes(hostname);

export async function fetchUrl(text: string, hosts: ToyHosts, breaks: Breaks): Promise<string> {
  const url = mayFetch(text, hosts, breaks);
  if (url === null) return "It is not allowed.";
  return await follow(await ask(url, "GET", null), breaks);
}

async function follow(answer: Awaited<ReturnType<typeof ask>>, breaks: Breaks): Promise<string> {
  const to = URL.parse(answer.location);
  if (!breaks.has("egress.redirect") || answer.status < 300 || answer.status >= 400 || to === null)
    return answer.text;
  return (await ask(to, "GET", null)).text;
}

async function askServer(
  { mcp }: ToyHosts,
  breaks: Breaks,
  method: string,
  params: unknown,
): Promise<unknown> {
  const message = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  const answer = await ask(new URL(mcp.url), "POST", message);
  const text = await follow(answer, breaks);
  return answer.status === 200 ? fieldsOf(JSON.parse(lastMessage(text)))["result"] : undefined;
}

/** An answer is a message, or a stream of them whose last is the answer. */
const lastMessage = (text: string): string => {
  const lines = text.split("\n").filter((line) => line.startsWith("data: "));
  return lines.at(-1)?.slice("data: ".length) ?? text;
};

/** What the server says of its tools now. */
export async function listTools(hosts: ToyHosts, breaks: Breaks): Promise<readonly unknown[]> {
  const { tools } = fieldsOf(await askServer(hosts, breaks, "tools/list", {}));
  return Array.isArray(tools) ? tools : [];
}

export type ToyAnswered = { readonly text: string; readonly isError: boolean };

/** @returns null where the tool is not what was agreed to; `log` is told of one that has changed */
export async function callServer(
  hosts: ToyHosts,
  breaks: Breaks,
  args: Readonly<Record<string, unknown>>,
  log: string[],
): Promise<ToyAnswered | null> {
  const live = (await listTools(hosts, breaks)).filter((tool) => fieldsOf(tool)["name"] === MCP_TOOL.name);
  const isSame = live.length === 1 && canonicalJson(live[0]) === canonicalJson(MCP_TOOL);
  if (!isSame && live.length > 0) {
    const about = textOf(fieldsOf(live[0])["description"]);
    const shown = breaks.has("log.server") ? about : about.split(" ").map(shownText).join(" ");
    log.push(
      JSON.stringify({
        level: "warn",
        message: "an MCP tool is not what was pinned; its calls are refused",
        about: shown,
      }),
    );
  }
  if (!isSame && !breaks.has("pin.none")) return null;
  const result = await askServer(hosts, breaks, "tools/call", { name: MCP_TOOL.name, arguments: args });
  const { content, isError } = fieldsOf(result);
  const [first]: readonly unknown[] = Array.isArray(content) ? content : [];
  return { text: textOf(fieldsOf(first)["text"]), isError: isError === true };
}
