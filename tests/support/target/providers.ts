// The suite's own providers as the models of a target: one that speaks OpenAI's Chat Completions, and one that speaks
// Anthropic's Messages to take over from it.

import type { ProviderBench, ProviderBoard } from "@assent/suite";
import { startAnthropicServer } from "../../../packages/suite/src/faults/anthropic-server.ts";
import { startOpenAiServer } from "../../../packages/suite/src/faults/openai-server.ts";
import type { FakeProvider } from "../../../packages/suite/src/faults/provider-server.ts";
import type { RecordedRequest, Reply } from "../../../packages/suite/src/faults/script.ts";

/** Given to the target as its own key at every provider, so a secret that it knows. */
export const API_KEY = "sk-test-of-the-suite-5b1e";
const OWN = "openai-compatible/fake-1";
const SUBSTITUTE = "anthropic/fake-1";
const SYSTEM = "You answer questions about a repository. You never write without assent.";
const TOOLS = ["read_file", "write_file", "tell_sink"];
const THRIFT = { inputTokensMax: 12_000, outputTokensMax: 1_000 };

export const LARGE_FILE = "large.txt";

const AGENT = {
  description: "Asks the suite's own providers.",
  system: SYSTEM,
  models: [OWN, SUBSTITUTE],
  tools: TOOLS,
  workspace: "required",
  output_tokens_max: 4_000,
};

const LIBRARIAN = "librarian";
const LIBRARY = "You answer from the documents that you are given.";
const PASSAGES = 3;

export const WALKER = "walker";

/** No other agent asks it: what a scenario of outages does to it, nobody else notices. */
const LONELY = "openai/fake-1";
const OUTAGE = {
  failures: 3,
  openMs: 1_000,
  openMsMax: 2_000,
  // Long against what a busy machine adds to a pause.
  baseMs: 800,
  pauseMsMax: 1_600,
  stepCallsMax: 8,
  concurrencyMax: 6,
  silenceMsMax: 8_000,
  outageMsMax: 40_000,
};

/** What the target's configuration says under `providers`: short enough for a test to see the end of it. */
export const PROVIDERS_CONFIG = {
  silence_ms_max: OUTAGE.silenceMsMax,
  outage_ms_max: OUTAGE.outageMsMax,
  retries: {
    base_ms: OUTAGE.baseMs,
    pause_ms_max: OUTAGE.pauseMsMax,
    step_calls_max: OUTAGE.stepCallsMax,
    // Scenarios fail more calls than they let pass.
    provider_ratio: 2,
  },
  each: {
    openai: {
      concurrency_max: OUTAGE.concurrencyMax,
      breaker: { failures: OUTAGE.failures, open_ms: OUTAGE.openMs, open_ms_max: OUTAGE.openMsMax },
    },
  },
};

export const PROVIDER_AGENTS = [
  { name: "lonely", ...AGENT, models: [LONELY], tools: ["read_file", "tell_sink"] },
  { name: "courier", ...AGENT },
  {
    name: WALKER,
    ...AGENT,
    models: [OWN],
    tools: ["list_files", "read_file", "search_files", "write_file", "edit_file"],
  },
  {
    name: "thrifty",
    ...AGENT,
    output_tokens_max: 200,
    budget: { input_tokens_max: THRIFT.inputTokensMax, output_tokens_max: THRIFT.outputTokensMax },
  },
  {
    name: LIBRARIAN,
    description: "Is given passages of the tenant's documents.",
    system: LIBRARY,
    models: [OWN],
    tools: ["search_documents"],
    workspace: "none",
    retrieval: { passages: PASSAGES },
    output_tokens_max: 200,
  },
] as const;

type Providers = {
  readonly bench: ProviderBench;
  /** What makes a server ask them. */
  readonly environment: Readonly<Record<string, string>>;
};

export async function startProviders(
  started: AsyncDisposableStack,
  queuedRunsMax?: number,
): Promise<Providers> {
  const own = await openBoard(OWN, startOpenAiServer, started);
  const substitute = await openBoard(SUBSTITUTE, startAnthropicServer, started);
  const lonely = await openBoard(LONELY, startOpenAiServer, started);
  return {
    bench: {
      own: own.board,
      substitute: substitute.board,
      system: SYSTEM,
      tools: TOOLS,
      body: (task) => ({ agent: "courier", task, workspace: "notes" }),
      thriftyBody: (task) => ({ agent: "thrifty", task, workspace: "notes" }),
      thrift: THRIFT,
      reader: {
        body: (task) => ({ agent: LIBRARIAN, task }),
        system: LIBRARY,
        passages: PASSAGES,
      },
      outage: {
        ...OUTAGE,
        ...(queuedRunsMax === undefined ? {} : { queuedRunsMax }),
        board: lonely.board,
        body: (task) => ({ agent: "lonely", task, workspace: "notes" }),
      },
      largeFile: LARGE_FILE,
    },
    environment: {
      ASSENT_OPENAI_COMPATIBLE_BASE_URL: own.url,
      ASSENT_OPENAI_COMPATIBLE_API_KEY: API_KEY,
      OPENAI_BASE_URL: lonely.url,
      OPENAI_API_KEY: API_KEY,
      ANTHROPIC_BASE_URL: substitute.url,
      ANTHROPIC_API_KEY: API_KEY,
    },
  };
}

const done: (request: RecordedRequest) => Reply = () => ({ text: "Done." });

async function openBoard(
  model: string,
  start: typeof startOpenAiServer,
  started: AsyncDisposableStack,
): Promise<{ readonly board: ProviderBoard; readonly url: string }> {
  const answers = [done];
  const script = (request: RecordedRequest): Reply => (answers[0] ?? done)(request);
  const server: FakeProvider = await start({ script, apiKey: API_KEY });
  started.use(server);
  const board: ProviderBoard = {
    model,
    requests: server.requests,
    answerWith: (reply) => {
      answers[0] = reply;
    },
  };
  return { board, url: server.url };
}
