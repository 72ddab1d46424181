// What decides who comes in: derived from the installation's secret and its configuration.

import type { Config } from "../config.ts";
import type { Access } from "../core/access/access-point.ts";
import type { Secrets } from "../home.ts";
import type { Random } from "../ports.ts";
import { createAnswerSeal } from "../services/answer-seal.ts";
import type { HarnessPorts } from "../services/create-harness.ts";
import { keyHasher } from "../services/keys.ts";
import { signingSecrets } from "../services/signing-keys.ts";

export function entranceOf(
  secrets: Secrets,
  access: Access,
  config: Pick<Config, "limits">,
  random: Random,
): Pick<HarnessPorts, "hashKey" | "access" | "quotas" | "signingSecret" | "answerSeal"> {
  return {
    hashKey: keyHasher(secrets.keys),
    access,
    quotas: config.limits.quotas,
    signingSecret: signingSecrets(secrets.signing),
    answerSeal: createAnswerSeal(secrets.answers, random),
  };
}
