import {
  type AccessEventId,
  type CreatedKey,
  type KeyId,
  keyRequestSchema,
  type Role,
  rotateKeySchema,
  type Scope,
} from "@assent/contract";
import { err, ok } from "../../base/result.ts";
import type { Context, Outcome } from "../context.ts";
import { failureOfClient, usageFailure } from "../failure.ts";
import { fields, table } from "../output/table.ts";
import { bothTimes, relativeTime } from "../output/time.ts";
import { visibleLine } from "../output/visible.ts";

export type KeyFlags = {
  readonly kind: "human" | "service";
  readonly scope?: readonly Scope[];
  readonly role?: readonly Role[];
  readonly expires?: string;
  readonly mustSign?: boolean;
};

export type RotateFlags = { readonly overlap?: number; readonly expires?: string };

/** The one time that the secret is shown. */
export async function createKey(context: Context, principal: string, flags: KeyFlags): Outcome {
  const request = keyRequestSchema.safeParse({
    principal: { name: principal, kind: flags.kind },
    scopes: [...new Set(flags.scope ?? [])],
    ...(flags.role === undefined ? {} : { roles: [...new Set(flags.role)] }),
    ...(flags.mustSign === undefined ? {} : { must_sign: flags.mustSign }),
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
  context.show(key.value, () => created(key.value, context.deps.clock.now()));
  return ok("ok");
}

const created = (key: CreatedKey, now: Date): string[] => [
  `Key ${key.id} for ${visibleLine(key.principal.name)}. It is shown this once:`,
  ...fields([
    ["secret", key.secret],
    ["may", grants(key)],
    ["expires", key.expires_at === null ? "never" : bothTimes(key.expires_at, now)],
  ]),
];

const grants = ({ scopes, roles, must_sign }: Pick<CreatedKey, "scopes" | "roles" | "must_sign">): string =>
  [...roles, ...scopes, ...(must_sign ? ["signed only"] : [])].join(", ");

export async function rotateKey(context: Context, id: KeyId, flags: RotateFlags): Outcome {
  const request = rotateKeySchema.safeParse({
    ...(flags.overlap === undefined ? {} : { overlap_seconds: flags.overlap }),
    ...(flags.expires === undefined ? {} : { expires_at: flags.expires }),
  });
  if (!request.success)
    return err(
      usageFailure(
        "invalid_request",
        request.error.issues[0]?.message ?? "not acceptable",
        "See `assent keys rotate --help`.",
      ),
    );
  const client = await context.openClient();
  if (!client.ok) return client;
  const key = await client.value.rotateKey(id, request.data);
  if (!key.ok) return err(failureOfClient(key.error));
  context.show(key.value, () => created(key.value, context.deps.clock.now()));
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
      ["KEY", "PREFIX", "PRINCIPAL", "KIND", "MAY", "CREATED", "USED", "STATE"],
      keys.value.map((key) => [
        key.id,
        key.prefix,
        key.principal.name,
        key.principal.kind,
        grants(key).replaceAll(", ", ","),
        relativeTime(key.created_at, now),
        key.last_used_at === null ? "never" : relativeTime(key.last_used_at, now),
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

export async function showAccessEvents(context: Context, before: AccessEventId | null): Outcome {
  const client = await context.openClient();
  if (!client.ok) return client;
  const page = await client.value.listAccessEvents(before);
  if (!page.ok) return err(failureOfClient(page.error));
  const now = context.deps.clock.now();
  context.show(page.value, () => [
    ...table(
      ["EVENT", "AT", "BY", "WHAT"],
      page.value.data.map(({ id, at, actor, kind, data }) => [
        id,
        relativeTime(at, now),
        actor === null ? "–" : visibleLine(actor.name),
        visibleLine(`${kind.replaceAll("_", " ")} ${JSON.stringify(data)}`),
      ]),
    ),
    ...(page.value.next === null ? [] : [`More: assent keys log --before ${page.value.next}`]),
  ]);
  return ok("ok");
}
