// All of redaction in one hand, for services: known secrets, rules, and how often each kind was taken out.

import { detectSecrets } from "./detectors.ts";
import { createKnownSecrets, type Registration } from "./known.ts";
import { createTextRedactor, type Redacted } from "./redact.ts";
import { redactJson, type RedactedJson } from "./redact-json.ts";
import { createRedactingStream, type RedactingStream } from "./redact-stream.ts";

export type Redactor = {
  /**
   * Makes a secret known: from now on it is taken out of everything, in every encoding.
   * @param kind what its mark says, in small letters and `_`: `provider_key`
   */
  register(secret: string, kind: string): Registration;
  redactText(text: string): Redacted;
  redactJson(value: unknown): RedactedJson;
  redactStream(): RedactingStream;
  /** What would be taken out: of secrets that were registered, and of what only looks like one. */
  inspect(text: string): Inspection;
};

export type Inspection = {
  /** Places where a registered secret stands. */
  readonly known: number;
  /** Places where a rule sees one, by kind. */
  readonly suspected: Readonly<Record<string, number>>;
};

const KIND = /^[a-z0-9_]{1,64}$/;

export function createRedactor(): Redactor {
  const known = createKnownSecrets();
  const text = createTextRedactor(known, detectSecrets);
  return {
    register: (secret, kind) => known.register(secret, KIND.test(kind) ? kind : "known"),
    redactText: (given) => text.redactText(given),
    redactJson: (value) => redactJson(value, text, known),
    redactStream: () => createRedactingStream(text),
    inspect: (given) => {
      const suspected: Record<string, number> = {};
      for (const { kind } of detectSecrets(given)) suspected[kind] = (suspected[kind] ?? 0) + 1;
      return { known: known.find(given).length, suspected };
    },
  };
}
