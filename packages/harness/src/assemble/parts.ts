// What a configuration asks for, put together and checked before anything runs.

import { openAccess } from "../adapters/cedar/access.ts";
import { openCedarPolicies } from "../adapters/cedar/policies.ts";
import { shippedAccessFolder, shippedPolicyFolder } from "../adapters/cedar/policy-folder.ts";
import { openEmbedder } from "../adapters/models/embeddings.ts";
import { type ModelsConfig, openModels } from "../adapters/models/models.ts";
import { AssertionFailed } from "../base/assert.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { Config } from "../config.ts";
import type { HttpToolDeclared } from "../http-tool-config.ts";
import type { Access } from "../core/access/access-point.ts";
import { type AgentDefinition, isModelAllowed } from "../core/agent.ts";
import { stopsCanary } from "../core/decide/canary.ts";
import type { Policies } from "../core/decide/policy-point.ts";
import type { Embedder, Models, Tool, Tools } from "../ports.ts";
import { createHttpTool } from "../services/tools/http.ts";
import { createTools, tenantTools, workspaceTools } from "../services/tools/registry.ts";
import type { StartRefusal } from "./refusal.ts";

export type Parts = {
  readonly config: Config;
  readonly tools: Tools;
  readonly models: Models;
  readonly embedder: Embedder | null;
  readonly agents: ReadonlyMap<string, AgentDefinition>;
  readonly policies: Policies;
  readonly access: Access;
};

// Everything that can be wrong without anything running is found out before anything runs.
export function prepareParts(
  config: Config,
  model: string | null,
  guarded: readonly Tool[],
): Result<Parts, StartRefusal> {
  const tools = readTools([...guarded, ...config.httpTools.map(toHttpTool)]);
  if (!tools.ok) return tools;
  for (const agent of config.agents.values()) {
    const missing = agent.tools.find((name) => tools.value.get(name) === undefined);
    if (missing !== undefined)
      return err({
        code: "tool_unknown",
        detail: `The agent ${agent.name} names the tool ${missing}, and there is none.`,
        remedy: "Mend the name, or declare the tool in the configuration.",
      });
  }
  const policies = openPolicies(config.policies);
  if (!policies.ok) return policies;
  const access = openAccessRules(config.accessFolder ?? shippedAccessFolder());
  if (!access.ok) return access;
  const models = openModels(modelsConfig(config));
  const callable = model === null ? ok(null) : models.check(model);
  if (!callable.ok)
    return err({
      code: "model_not_callable",
      detail: callable.error,
      remedy: "Set what it names, or choose another --model.",
    });
  const embedder = openEmbedderOf(config);
  if (!embedder.ok) return embedder;
  const agents = new Map([...config.agents].map(([name, agent]) => [name, preferModel(agent, model)]));
  return ok({
    config,
    tools: tools.value,
    models,
    embedder: embedder.value,
    agents,
    policies: policies.value,
    access: access.value,
  });
}

function openEmbedderOf(config: Config): Result<Embedder | null, StartRefusal> {
  const { embeddingModel } = config;
  if (embeddingModel === null) return ok(null);
  const opened = openEmbedder({ model: embeddingModel, ...modelsConfig(config) });
  if (opened.ok) return opened;
  return err({
    code: "embeddings_not_callable",
    detail: opened.error,
    remedy: "Set the provider's variables, or leave `embeddings` out of the configuration.",
  });
}

function openAccessRules(folder: string): Result<Access, StartRefusal> {
  const opened = openAccess({ folder });
  if (opened.ok) return opened;
  const { code, file, line, detail } = opened.error;
  return err({
    code,
    detail: `${file}${line === null ? "" : `:${line}`}: ${detail}.`,
    remedy:
      "Mend the rules about who may call, or leave `access` out of the configuration; see docs/access.md.",
  });
}

function openPolicies(source: Config["policies"]): Result<Policies, StartRefusal> {
  const folder = typeof source === "string" ? shippedPolicyFolder(source) : source.folder;
  const opened = openCedarPolicies({ folder });
  if (!opened.ok) {
    const { code, file, line, detail } = opened.error;
    return err({
      code,
      detail: `${file}${line === null ? "" : `:${line}`}: ${detail}.`,
      remedy:
        "Mend the rules (`assent policy check` looks at them without starting); none are in force until then.",
    });
  }
  if (!stopsCanary(opened.value))
    return err({
      code: "policies_let_canary_through",
      detail: `The rules in ${folder} permit a payment that untrusted text chose, unasked.`,
      remedy: "Add a forbid for it, or use the shipped set `default`.",
    });
  return opened;
}

function readTools(more: readonly Tool[]): Result<Tools, StartRefusal> {
  try {
    return ok(createTools([...workspaceTools, ...tenantTools, ...more]));
  } catch (error) {
    if (!(error instanceof AssertionFailed)) throw error;
    return err({
      code: "tool_invalid",
      detail: `The configuration declares a tool that cannot be: ${error.message}.`,
      remedy: "Mend the tool's declaration.",
    });
  }
}

/** A tool of the operator's gets this long where nothing else is said; then its outcome is unknown. */
const HTTP_TOOL_TIMEOUT_MS = 30_000;

const preferModel = (agent: AgentDefinition, model: string | null): AgentDefinition =>
  model !== null && isModelAllowed(agent, model) ? { ...agent, models: [model, ...agent.models] } : agent;

function modelsConfig({ transcripts, environment, models, providers }: Config): ModelsConfig {
  const { anthropic, openai, openaiCompatible, streaming } = environment;
  return {
    streaming,
    unstreamed: new Set(
      Object.entries(models.catalogue).flatMap(([name, profile]) => (profile.streaming ? [] : [name])),
    ),
    callMsMax: providers.call_ms_max,
    silenceMsMax: providers.silence_ms_max,
    ...(anthropic === null ? {} : { anthropic }),
    ...(openai === null ? {} : { openai }),
    ...(openaiCompatible === null ? {} : { openaiCompatible }),
    ...(transcripts === null ? {} : { scripted: { folder: transcripts } }),
  };
}

function toHttpTool(declared: HttpToolDeclared): Tool {
  const { manifest, url, check_url, compensation, bearerToken, bearer_token_env: credential } = declared;
  const properties = manifest.input_schema["properties"];
  const all = typeof properties === "object" && properties !== null ? Object.keys(properties) : [];
  return createHttpTool({
    manifest: {
      name: manifest.name,
      version: manifest.version,
      description: manifest.description,
      inputSchema: manifest.input_schema,
      effect: manifest.effect,
      harm: manifest.harm,
      // What the operator did not call content is control.
      controlArguments: manifest.control_arguments ?? all,
      ...(manifest.named_by === undefined ? {} : { namedBy: manifest.named_by }),
      returns: manifest.returns,
      ...(compensation === undefined
        ? {}
        : { compensation: { effect: compensation.effect, description: compensation.description } }),
    },
    url,
    ...(compensation === undefined ? {} : { compensationUrl: compensation.url }),
    ...(check_url === undefined ? {} : { checkUrl: check_url }),
    ...(bearerToken === null ? {} : { headers: { authorization: `Bearer ${bearerToken}` } }),
    ...(credential === undefined ? {} : { credential }),
    timeoutMs: HTTP_TOOL_TIMEOUT_MS,
    fetch: globalThis.fetch,
  });
}
