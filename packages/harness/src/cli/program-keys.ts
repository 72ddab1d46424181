// The part of the command line's grammar that is about credentials.

import type { AccessEventId, KeyId } from "@assent/contract";
import { type Command, Option } from "commander";
import { collectRoles, collectScopes, parseAccessEventId, parseDuration, parseKeyId } from "./argument.ts";
import {
  createKey,
  type KeyFlags,
  listKeys,
  revokeKey,
  type RotateFlags,
  rotateKey,
  showAccessEvents,
} from "./commands/keys.ts";
import { demandSignatures, listSigners, type SignFlags } from "./commands/principals.ts";
import type { Perform } from "./context.ts";

export function addKeys(program: Command, perform: Perform): void {
  const keys = program.command("keys").description("keys to the API");
  keys
    .command("create")
    .description("make a key; its secret is shown once")
    .argument("<principal>", "whose it is")
    .addOption(new Option("--kind <kind>", "who that is").choices(["human", "service"]).default("human"))
    .option("--scope <scope>", "what it may be used for; may be repeated", collectScopes)
    .option("--role <role>", "in place of scopes: requester, approver, auditor or admin", collectRoles)
    .option("--must-sign", "good for signed requests only (RFC 9421)")
    .option("--expires <time>", "ISO 8601, for example 2027-01-31T00:00:00Z")
    .action(
      async (principal: string, flags: KeyFlags) =>
        await perform(async (context) => await createKey(context, principal, flags)),
    );
  keys
    .command("list")
    .description("list keys, without their secrets")
    .action(async () => await perform(async (context) => await listKeys(context)));
  keys
    .command("rotate")
    .description("replace a key by a new one; its secret is shown once")
    .argument("<key>", "its id", parseKeyId)
    .option("--overlap <duration>", "how long the old one stays good beside it: 30s, 15m, 24h", parseDuration)
    .option("--expires <time>", "of the new one; the old one's where left out")
    .action(
      async (id: KeyId, flags: RotateFlags) =>
        await perform(async (context) => await rotateKey(context, id, flags)),
    );
  keys
    .command("must-sign")
    .description("let in nothing of a principal unsigned, whatever their keys and tokens say (RFC 9421)")
    .argument("<principal>", "who; as an identity provider names them: <provider>:<subject>")
    .addOption(new Option("--kind <kind>", "who that is").choices(["human", "service"]).default("human"))
    .option("--off", "as each key says again")
    .action(
      async (principal: string, flags: SignFlags) =>
        await perform(async (context) => await demandSignatures(context, principal, flags)),
    );
  keys
    .command("signers")
    .description("list the principals of whom nothing is let in unsigned")
    .action(async () => await perform(async (context) => await listSigners(context)));
  keys
    .command("log")
    .description("what was done about credentials, newest first")
    .option("--before <event>", "go on where a page ended", parseAccessEventId)
    .action(
      async (flags: { before?: AccessEventId }) =>
        await perform(async (context) => await showAccessEvents(context, flags.before ?? null)),
    );
  keys
    .command("revoke")
    .description("make a key worthless")
    .argument("<key>", "its id", parseKeyId)
    .action(async (id: KeyId) => await perform(async (context) => await revokeKey(context, id)));
}
