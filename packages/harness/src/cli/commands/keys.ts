import { type KeyId, keyRequestSchema, type Scope } from "@assent/contract";
import { err, ok } from "../../base/result.ts";
import type { Context, Outcome } from "../context.ts";
import { failureOfClient, usageFailure } from "../failure.ts";
import { fields, table } from "../output/table.ts";
import { bothTimes, relativeTime } from "../output/time.ts";
import { visibleLine } from "../output/visible.ts";

export type KeyFlags = {
  readonly kind: "human" | "service";
  readonly scope: readonly Scope[];
  readonly expires?: string;
};

/** The one time that the secret is shown. */
export async function createKey(context: Context, principal: string, flags: KeyFlags): Outcome {
  const request = keyRequestSchema.safeParse({
    principal: { name: principal, kind: flags.kind },
    scopes: [...new Set(flags.scope)],
    ...(flags.expires === undefined ? {} : { expires_at: flags.expires }),
  });
  if (!request.success) {
    const issue = request.error.issues[0];
    return err(
      usageFailure(
        "invalid_request",
        `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "not acceptable"}`,
        "See `assent keys create --help`.",
      ),
    );
  }
  const client = await context.openClient();
  if (!client.ok) return client;
  const key = await client.value.createKey(request.data);
  if (!key.ok) return err(failureOfClient(key.error));
  context.show(key.value, () => [
    `Key ${key.value.id} for ${visibleLine(key.value.principal.name)}. It is shown this once:`,
    ...fields([
      ["secret", key.value.secret],
      ["scopes", key.value.scopes.join(", ")],
      [
        "expires",
        key.value.expires_at === null ? "never" : bothTimes(key.value.expires_at, context.deps.clock.now()),
      ],
    ]),
  ]);
  return ok("ok");
}

export async function listKeys(context: Context): Outcome {
  const client = await context.openClient();
  if (!client.ok) return client;
  const keys = await client.value.listKeys();
  if (!keys.ok) return err(failureOfClient(keys.error));
  const now = context.deps.clock.now();
  context.show({ data: keys.value }, () =>
    table(
      ["KEY", "PREFIX", "PRINCIPAL", "KIND", "SCOPES", "CREATED", "STATE"],
      keys.value.map((key) => [
        key.id,
        key.prefix,
        key.principal.name,
        key.principal.kind,
        key.scopes.join(","),
        relativeTime(key.created_at, now),
        stateOf(key.revoked_at, key.expires_at, now),
      ]),
    ),
  );
  return ok("ok");
}

function stateOf(revokedAt: string | null, expiresAt: string | null, now: Date): string {
  if (revokedAt !== null) return `revoked ${relativeTime(revokedAt, now)}`;
  if (expiresAt === null) return "good";
  const word = Date.parse(expiresAt) <= now.getTime() ? "expired" : "good, expires";
  return `${word} ${relativeTime(expiresAt, now)}`;
}

export async function revokeKey(context: Context, id: KeyId): Outcome {
  const client = await context.openClient();
  if (!client.ok) return client;
  const key = await client.value.revokeKey(id);
  if (!key.ok) return err(failureOfClient(key.error));
  context.show(key.value, () => [
    `Key ${key.value.id} of ${visibleLine(key.value.principal.name)} is revoked.`,
  ]);
  return ok("ok");
}
