// What a model is shown in the next step, and how that step is journaled. Asking it: services/models/ask-model.ts.

import { digestOf } from "../../base/digest.ts";
import { assemblePrompt } from "../../core/prompt/assemble.ts";
import { neutralisePrompt } from "../../core/prompt/guard.ts";
import { neutralise, neutraliseMembers } from "../../core/prompt/neutralise.ts";
import type { Manifest } from "../../core/tool.ts";
import type { ModelCall } from "../../ports.ts";
import type { Write } from "../write.ts";
import type { Held } from "../held.ts";

export function modelCall(held: Held): ModelCall {
  const { definition, committed, ports } = held;
  const { system, messages } = neutralisePrompt(
    assemblePrompt(definition, committed.run.task, committed.journal),
  );
  const tools = definition.tools.flatMap((name): Manifest[] => {
    const tool = ports.tools.get(name);
    return tool === undefined ? [] : [neutraliseManifest(tool.manifest)];
  });
  return {
    model: committed.run.model,
    system,
    messages,
    tools,
    outputTokensMax: definition.output_tokens_max,
    temperature: definition.temperature,
    seed: definition.seed,
  };
}

// A discovered tool's words come from its server. Its digest is of the manifest as it is, not of this copy.
function neutraliseManifest(manifest: Manifest): Manifest {
  return {
    ...manifest,
    description: neutralise(manifest.description),
    inputSchema: neutraliseMembers(manifest.inputSchema),
  };
}

/** The digest pins what the model was shown without keeping a second copy of it: the journal can rebuild it. */
export function openModelStep({ model, system, messages, tools }: ModelCall): Write {
  return {
    write: "step_opened",
    step: {
      kind: "model",
      name: model,
      state: "intended",
      effect: "idempotent",
      request: { kind: "model", promptDigest: digestOf("prompt", { model, system, messages, tools }) },
      decision: null,
      approvalId: null,
      outcome: null,
      error: null,
    },
  };
}
