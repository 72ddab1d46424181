// The agent of the scenarios of single guards: the suite speaks for its model, and each of its tools ends at a server of
// the suite's own, under a rule that the guard stands behind.

import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type CommandBench,
  type DeputyBench,
  type EgressBench,
  type McpBench,
  type McpDouble,
  type ProviderBoard,
  startMcpServer,
  startWebHost,
  type WebHost,
} from "@assent/suite";
import { openMcpEndpoint } from "../../../packages/harness/src/adapters/mcp/open.ts";
import { parseAllowlistEntry } from "../../../packages/harness/src/core/egress/allowlist.ts";
import { NO_PINS, withPin } from "../../../packages/harness/src/core/mcp/pins.ts";
import { LARGE_FILE } from "./providers.ts";

const SHIPPED = fileURLToPath(new URL("../../../packages/harness/policies/default/", import.meta.url));

/** Its name; `self_approver` and `approver` are principals of people.ts. */
export const NAMED_APPROVER = "approver";
const FORBIDDEN_TEXT = "what-nobody-may-say";

/** Beside the shipped rules, and about the tools below only. */
const RULES = `
@id("suite-quorum")
@description("Two people have to agree, and not whoever asked.")
@needs_approval
@quorum("2")
@separate_duties
forbid (principal, action == Action::"call", resource == Tool::"pay_sink");

@id("suite-named")
@description("It is for one person to agree.")
@needs_approval
@approvers("${NAMED_APPROVER}")
forbid (principal, action == Action::"call", resource == Tool::"sign_sink");

@id("suite-soon-over")
@description("It is to be agreed to at once, or not at all.")
@needs_approval
@timeout("1s")
forbid (principal, action == Action::"call", resource == Tool::"rush_sink");

@id("suite-not-after-reading")
@description("Nothing is posted once anything untrusted was read.")
forbid (principal, action == Action::"call", resource == Tool::"post_sink")
when { context.tainted };

@id("suite-never-said")
@description("Nobody may say this.")
forbid (principal, action == Action::"call", resource == Tool::"tell_sink")
when { context.texts.hasTag("/text") && context.texts.getTag("/text") like "*${FORBIDDEN_TEXT}*" };
`;

const TEXT_ONLY = {
  type: "object",
  properties: { text: { type: "string" } },
  required: ["text"],
  additionalProperties: false,
};

const sinkTool = (name: string, description: string, url: string): unknown => ({
  kind: "http",
  url,
  manifest: {
    name,
    version: "1",
    description,
    input_schema: TEXT_ONLY,
    effect: "once",
    harm: ["write"],
    control_arguments: ["text"],
  },
});

const SERVER = "vault";
/** The same server under another name. */
const REPEATABLE = "ledger";
/** What the agent's model calls the tool that may be repeated. */
export const REPEATABLE_TOOL = `${REPEATABLE}__pay`;
const TOOLS = [
  "read_file",
  "write_file",
  "tell_sink",
  "pay_sink",
  "sign_sink",
  "post_sink",
  "rush_sink",
  "fetch_url",
];

const agentOf = (name: string, model: string, tools: readonly string[]): unknown => ({
  name,
  description: "Does what the suite's model says.",
  system: "You do what you are asked to.",
  models: [model],
  tools,
  workspace: "required",
  output_tokens_max: 4_000,
});

export type Deputy = {
  readonly deputy: DeputyBench;
  readonly mcp: McpBench;
  readonly egress: EgressBench;
  readonly commands?: CommandBench;
  /** Members of the configuration, beside the tools. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly tools: readonly unknown[];
  /** Puts agents, rules and pins into the installation's folder. */
  install(folder: string): void;
};

export type DeputyOptions = {
  /** Queued runs of a tenant, past which submissions are refused. */
  readonly queuedRunsMax?: number;
  /** An agent that runs programs: the start then takes as long as the sandbox's proof that it holds. */
  readonly commands?: boolean;
  /** The agent has the MCP server's tool a second time, declared as one that may be repeated. */
  readonly repeatable?: boolean;
  /** Addresses of this machine that the test has opened for `fetch_url`, the first of them on the list. */
  readonly openAddresses?: readonly [listed: string, unlisted: string];
};

const deputyBench = (board: ProviderBoard): DeputyBench => ({
  board,
  body: (task) => ({ agent: "deputy", task, workspace: "notes" }),
  otherBody: (task) => ({ agent: "other-deputy", task, workspace: "notes" }),
  tools: {
    asked: "tell_sink",
    quorum: "pay_sink",
    named: "sign_sink",
    forbiddenLater: "post_sink",
    soonOver: "rush_sink",
    notGiven: "book_sink",
  },
  forbiddenText: FORBIDDEN_TEXT,
  reading: { tool: "read_file", arguments: { path: "README.md" } },
  readingMuch: { tool: "read_file", arguments: { path: LARGE_FILE } },
  writing: (text) => ({ tool: "write_file", arguments: { path: "NOTE.md", content: `${text}\n` } }),
});

/** @param board the provider that speaks for its model; @param sinkUrl where its tools' effects arrive */
export async function startDeputy(
  board: ProviderBoard,
  sinkUrl: string,
  options: DeputyOptions,
  started: AsyncDisposableStack,
): Promise<Deputy> {
  const server = await startMcpServer();
  started.defer(async () => {
    await server.stop();
  });
  const host = await startWebHost("0.0.0.0");
  started.defer(async () => {
    await host.stop();
  });
  const hosts = ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"].map((name) => `${name}:${host.port}`);
  const open = options.openAddresses?.map((address) => `${address}:${host.port}`) ?? [];
  const [listed, unlisted] = open.map((name) => `http://${name}`);
  const commands = options.commands === true ? createCommandBench(host, started) : undefined;
  const effects = options.repeatable === true ? { [REPEATABLE]: { effect: "idempotent" } } : {};
  const servers = { [SERVER]: {}, ...effects };
  const pins = await pinsOf(server.url, `127.0.0.1:${server.port}`, Object.keys(servers));
  return {
    deputy: deputyBench(board),
    mcp: { tool: `${SERVER}__pay`, server },
    egress: {
      call: (url) => ({ tool: "fetch_url", arguments: { url } }),
      host,
      listed: hosts.map((name) => `http://${name}`),
      ...(listed === undefined || unlisted === undefined ? {} : { open: { listed, unlisted } }),
    },
    ...(commands === undefined ? {} : { commands }),
    config: {
      policies: { folder: "policies" },
      egress: { allow: [`127.0.0.1:${server.port}`, ...hosts, ...open.slice(0, 1)] },
      mcp: { servers: declarationsOf(server, servers) },
    },
    tools: [
      sinkTool("pay_sink", "Pays at the suite's tool sink.", sinkUrl),
      sinkTool("sign_sink", "Signs at the suite's tool sink.", sinkUrl),
      sinkTool("post_sink", "Posts at the suite's tool sink.", sinkUrl),
      sinkTool("rush_sink", "Rushes to the suite's tool sink.", sinkUrl),
    ],
    install: (folder) => {
      mkdirSync(join(folder, "policies"));
      for (const file of readdirSync(SHIPPED).filter((name) => name.endsWith(".cedar")))
        copyFileSync(join(SHIPPED, file), join(folder, "policies", file));
      writeFileSync(join(folder, "policies", "suite.cedar"), RULES);
      writeFileSync(join(folder, "assent.mcp-pins.json"), JSON.stringify(pins));
      const agents = [
        ["deputy", [...TOOLS, ...Object.keys(servers).map((name) => `${name}__pay`)]],
        ["other-deputy", TOOLS],
        ...(commands === undefined ? [] : [["runner", ["command"]] as const]),
      ] as const;
      for (const [name, given] of agents)
        writeFileSync(
          join(folder, "agents", `${name}.json`),
          JSON.stringify(agentOf(name, board.model, given)),
        );
    },
  };
}

/** @param names under which the operator declares the one server, and what each says of its tool besides */
const declarationsOf = (
  { url, tool }: McpDouble,
  names: Readonly<Record<string, object>>,
): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(names).map(([name, more]) => [
      name,
      {
        transport: "http",
        url,
        private_network: true,
        tools: { [tool.name]: { harm: ["write"], control_arguments: ["text"], ...more } },
      },
    ]),
  );

/** What the target's processes have in their environment, and no program of theirs may see. */
export const ENVIRONMENT = { name: "ASSENT_SUITE_CANARY", value: "canary-of-the-environment-5d02" } as const;

function createCommandBench(host: WebHost, started: AsyncDisposableStack): CommandBench {
  const folder = mkdtempSync(join(tmpdir(), "assent-outside-"));
  started.defer(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  chmodSync(folder, 0o777);
  const canary = { path: join(folder, "canary"), text: "canary-of-a-file-outside-77ab" };
  writeFileSync(canary.path, canary.text);
  chmodSync(canary.path, 0o666);
  return {
    body: (task) => ({ agent: "runner", task, workspace: "notes" }),
    call: (argv) => ({ tool: "command", arguments: { argv, timeout_s: 30 } }),
    canary,
    look: async () => await Promise.resolve(existsSync(canary.path) ? readFileSync(canary.path, "utf8") : ""),
    environment: ENVIRONMENT,
    host,
  };
}

/** As `assent mcp pin` writes them, once an operator has read what the server says. */
async function pinsOf(url: string, listed: string, names: readonly string[]): Promise<unknown> {
  const entry = parseAllowlistEntry(listed);
  if (!entry.ok) throw new Error(entry.error);
  const connection = openMcpEndpoint(
    { transport: "http", url, bearerToken: null, privateNetwork: true },
    { allowlist: [entry.value], stderr: "ignore" },
  );
  try {
    const live = await connection.list(AbortSignal.timeout(10_000));
    if (!live.ok) throw new Error(live.error.detail);
    return names
      .flatMap((name) => live.value.map((definition) => [name, definition] as const))
      .reduce((pins, [name, definition]) => withPin(pins, name, definition), NO_PINS);
  } finally {
    await connection.close();
  }
}
