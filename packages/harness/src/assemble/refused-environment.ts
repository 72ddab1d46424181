// What a process's environment may not say: what takes a wall down, and what is misspelt where a default would hide it.

import { err, ok, type Result } from "../base/result.ts";
import type { Environment } from "../config.ts";
import type { StartRefusal } from "./refusal.ts";

/** Variables of ours that take a word, and which. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  ASSENT_LOG: ["file", "stderr"],
  ASSENT_STREAMING: ["on", "off"],
};

export function checkEnvironment({ variable }: Pick<Environment, "variable">): Result<null, StartRefusal> {
  if (variable("NODE_TLS_REJECT_UNAUTHORIZED") === "0")
    return err({
      code: "certificates_unchecked",
      detail:
        "NODE_TLS_REJECT_UNAUTHORIZED=0 lets anybody on the way answer as a model's provider, a tool or an identity provider.",
      remedy: "Unset it; for an authority of your own, NODE_EXTRA_CA_CERTS names its certificate.",
    });
  for (const [name, words] of Object.entries(WORDS)) {
    const said = variable(name);
    if (said === undefined || words.includes(said)) continue;
    return err({
      code: "environment_invalid",
      // Not what it says: it may be a secret in the wrong place.
      detail: `${name} says neither ${words.join(" nor ")}.`,
      remedy: `Set ${name} to one of them, or unset it.`,
    });
  }
  return ok(null);
}
