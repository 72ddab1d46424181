import type { CreatedKey, KeyRequest } from "@assent/contract";
import { err, ok, type Result } from "../../base/result.ts";
import { type Client, createClient } from "../../client/client.ts";
import type { Context } from "../context.ts";
import { type Failure, failureOfClient } from "../failure.ts";
import type { Running } from "../start.ts";

/** A key that a killed demo could not revoke is worthless soon. */
const KEY_LIFETIME_MINUTES = 60;

export type DemoClients = {
  /** Submits and reads; cannot approve. */
  readonly requester: Client;
  /** Approves; cannot submit. */
  readonly approver: Client;
  /** Revokes both keys. */
  end(): Promise<Result<null, Failure>>;
};

/** Two principals with a key each, so that the one who asks is not the one who approves. */
export async function openDemoClients(
  context: Context,
  running: Running,
): Promise<Result<DemoClients, Failure>> {
  const connect = (key: string): Client => createClient({ url: running.url, key, fetch: context.deps.fetch });
  const admin = connect(running.adminKey);
  const expiresAt = new Date(context.deps.clock.now().getTime() + KEY_LIFETIME_MINUTES * 60_000);
  const create = async (name: string, scopes: KeyRequest["scopes"]): Promise<Result<CreatedKey, Failure>> => {
    const key = await admin.createKey({
      principal: { name, kind: "service" },
      scopes,
      expires_at: expiresAt.toISOString(),
    });
    return key.ok ? key : err(failureOfClient(key.error));
  };
  const requester = await create("demo-requester", ["runs:read", "runs:write"]);
  if (!requester.ok) return requester;
  const approver = await create("demo-approver", ["runs:read", "approvals:decide"]);
  if (!approver.ok) return approver;
  return ok({
    requester: connect(requester.value.secret),
    approver: connect(approver.value.secret),
    end: async () => {
      for (const key of [requester.value, approver.value]) {
        const revoked = await admin.revokeKey(key.id);
        if (!revoked.ok) return err(failureOfClient(revoked.error));
      }
      return ok(null);
    },
  });
}
