// What a process's environment may not say: what takes a wall down, and what is misspelt where a default would hide it.

import { err, ok, type Result } from "../base/result.ts";
import type { Environment } from "../config.ts";
import type { StartRefusal } from "./refusal.ts";

/** Variables of ours that take a word, and which. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  ASSENT_LOG: ["file", "stderr"],
  ASSENT_STREAMING: ["on", "off"],
};

/** Where models' providers listen: their clients put paths behind it. */
const BASE_URLS = ["ANTHROPIC_BASE_URL", "OPENAI_BASE_URL", "ASSENT_OPENAI_COMPATIBLE_BASE_URL"];
const COLLECTOR = "OTEL_EXPORTER_OTLP_ENDPOINT";

const isHttp = (text: string): boolean => ["http:", "https:"].includes(URL.parse(text)?.protocol ?? "");

function isBase(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && isHttp(text) && `${url.username}${url.password}${url.search}${url.hash}` === "";
}

function misplaced({ variable }: Pick<Environment, "variable">): Result<null, StartRefusal> {
  const base = BASE_URLS.find((name) => !isBase(variable(name) ?? "http://unset"));
  const name = base ?? (isHttp(variable(COLLECTOR) ?? "http://unset") ? null : COLLECTOR);
  if (name === null) return ok(null);
  const bare = base === undefined ? "" : " without a user name, a query and a fragment";
  return err({
    code: "environment_invalid",
    detail: `${name} is not a URL of http or https${bare}.`,
    remedy: `Set ${name} to one such as http://127.0.0.1:11434, or unset it.`,
  });
}

export function checkEnvironment(environment: Pick<Environment, "variable">): Result<null, StartRefusal> {
  const { variable } = environment;
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
  return misplaced(environment);
}
