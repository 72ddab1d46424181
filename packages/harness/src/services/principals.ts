// What is demanded of a principal, beyond what each of their credentials says.

import type { Principal, PrincipalChange } from "@assent/contract";
import { err, ok, type Result } from "../base/result.ts";
import { lackingOf } from "../core/access/lacking.ts";
import type { Caller, StoreTx } from "../ports.ts";
import type { Refusal } from "./harness.ts";
import type { KeyPorts } from "./keys.ts";
import { refuseEnded } from "./still-good.ts";

type Ended = { readonly revoked_at: string | null; readonly expires_at: string | null };

const isGood = ({ revoked_at, expires_at }: Ended, now: Date): boolean =>
  revoked_at === null && (expires_at === null || new Date(expires_at) > now);

/** In force with the next request on every process. */
export async function changePrincipal(
  ports: KeyPorts,
  caller: Caller,
  { principal: named, must_sign }: PrincipalChange,
): Promise<Result<Principal, Refusal>> {
  const now = ports.clock.now();
  return await ports.store.transaction(caller.tenant, async (tx) => {
    const principal = await tx.principals.hold(named);
    // Saying so again is no error and no news.
    if (principal.must_sign === must_sign) return ok(principal);
    const refusal = must_sign
      ? await refuseLockout(tx, caller, principal, now)
      : await refuseLoosening(ports, tx, caller, principal, now);
    if (refusal !== null) return err(refusal);
    const ended = await refuseEnded(tx, caller, now);
    if (ended !== null) return err(ended);
    await tx.principals.demandSignatures(principal, must_sign);
    const data = { principal_id: principal.id, must_sign, by: caller.key };
    await tx.access.append({ at: now, kind: "principal_changed", actor: caller.actor, data });
    return ok({ ...principal, must_sign });
  });
}

// Whoever cannot sign could never take it back.
async function refuseLockout(
  tx: StoreTx,
  { actor }: Caller,
  { id }: Principal,
  now: Date,
): Promise<Refusal | null> {
  if (id !== actor.id) return null;
  const keys = await tx.signingKeys.list();
  if (keys.some((key) => key.principal.id === id && isGood(key, now))) return null;
  const detail = "You have no signing key, so nothing of yours would be let in any more.";
  return { code: "invalid_request", detail, errors: [{ pointer: "#/must_sign", detail }] };
}

// Without the demand a key that was captured is worth all that it may do: only who may all of that can take it away.
async function refuseLoosening(
  { access }: KeyPorts,
  tx: StoreTx,
  caller: Caller,
  { id }: Principal,
  now: Date,
): Promise<Refusal | null> {
  const keys = (await tx.keys.list()).filter((key) => key.principal.id === id && isGood(key, now));
  const missing = lackingOf(access, caller, {
    scopes: keys.flatMap(({ scopes }) => scopes),
    roles: keys.flatMap(({ roles }) => roles),
  });
  if (missing.length === 0) return null;
  const detail = `Keys of theirs may do what yours lacks: ${[...new Set(missing)].join(", ")}.`;
  return { code: "scope_missing", detail };
}

export async function listSigners(
  { store }: Pick<KeyPorts, "store">,
  caller: Caller,
): Promise<Result<readonly Principal[], Refusal>> {
  return ok(await store.transaction(caller.tenant, async (tx) => await tx.principals.listSigners()));
}
