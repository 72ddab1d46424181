// The part of the command line's grammar that is about keys which sign requests.

import { SIGNING_ALGORITHMS, type SigningKeyId } from "@assent/contract";
import { type Command, Option } from "commander";
import { parseDuration, parseSigningKeyId } from "./argument.ts";
import {
  createSigningKey,
  listSigningKeys,
  revokeSigningKey,
  rotateSigningKey,
  type RotateSigningFlags,
  type SigningKeyFlags,
} from "./commands/signing-keys.ts";
import type { Perform } from "./context.ts";

export function addSigningKeys(program: Command, perform: Perform): void {
  const keys = program.command("signing-keys").description("keys that sign requests (RFC 9421)");
  keys
    .command("create")
    .description("register a key; with --out it is made here and kept in that file")
    .argument("<principal>", "whose it is")
    .addOption(new Option("--kind <kind>", "who that is").choices(["human", "service"]).default("service"))
    .addOption(
      new Option("--algorithm <name>", "how it signs").choices(SIGNING_ALGORITHMS).default("ed25519"),
    )
    .option("--public-key <x>", "of a pair that you have: 32 bytes in base64url")
    .option("--out <file>", "where the key is kept; ASSENT_SIGNING_KEY names it to sign with it")
    .option("--expires <time>", "ISO 8601, for example 2027-01-31T00:00:00Z")
    .action(
      async (principal: string, flags: SigningKeyFlags) =>
        await perform(async (context) => await createSigningKey(context, principal, flags)),
    );
  keys
    .command("list")
    .description("list signing keys, without secrets")
    .action(async () => await perform(async (context) => await listSigningKeys(context)));
  keys
    .command("rotate")
    .description("replace a signing key by a new one")
    .argument("<key>", "its id", parseSigningKeyId)
    .option("--overlap <duration>", "how long the old one stays good beside it: 30s, 15m, 24h", parseDuration)
    .option("--public-key <x>", "of the new pair, for ed25519")
    .option("--out <file>", "where the new key is kept")
    .option("--expires <time>", "of the new one; the old one's where left out")
    .action(
      async (id: SigningKeyId, flags: RotateSigningFlags) =>
        await perform(async (context) => await rotateSigningKey(context, id, flags)),
    );
  keys
    .command("revoke")
    .description("make a signing key worthless")
    .argument("<key>", "its id", parseSigningKeyId)
    .action(
      async (id: SigningKeyId) => await perform(async (context) => await revokeSigningKey(context, id)),
    );
}
