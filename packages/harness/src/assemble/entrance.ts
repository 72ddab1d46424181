// What decides who comes in: derived from the installation's secret and its configuration.

import { openTokens } from "../adapters/oidc/tokens.ts";
import type { Config } from "../config.ts";
import type { Access } from "../core/access/access-point.ts";
import type { Secrets } from "../home.ts";
import type { Clock, Log, Random } from "../ports.ts";
import { createAnswerSeal } from "../services/answer-seal.ts";
import type { HarnessPorts } from "../services/create-harness.ts";
import { keyHasher } from "../services/keys.ts";
import { signingSecrets } from "../services/signing-keys.ts";

export function entranceOf(
  secrets: Secrets,
  access: Access,
  config: Pick<Config, "limits" | "identityProviders">,
  { random, clock, log }: { readonly random: Random; readonly clock: Clock; readonly log: Log },
): Pick<HarnessPorts, "tokens" | "hashKey" | "access" | "quotas" | "signingSecret" | "answerSeal"> {
  return {
    hashKey: keyHasher(secrets.keys),
    access,
    tokens: openTokens(config.identityProviders, { clock, log }),
    quotas: config.limits.quotas,
    signingSecret: signingSecrets(secrets.signing),
    answerSeal: createAnswerSeal(secrets.answers, random),
  };
}
