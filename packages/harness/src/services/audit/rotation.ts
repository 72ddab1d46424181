// Rotation of the keys that sign checkpoints: old and new ones sign until verifiers know the new ones, then the old are
// forgotten. Keys of both types are rotated together.

import { type TenantId, uuidOf } from "@assent/contract";
import { parseVerifierKey, SIGNATURE_TYPES } from "@assent/tlog";
import { err, ok, type Result } from "../../base/result.ts";
import type { Caller, Clock, LogInfo, LogStore, LogTx } from "../../ports.ts";
import type { Refusal } from "../harness.ts";
import type { Signer } from "./signer.ts";

export type RotationPorts = {
  readonly store: LogStore;
  readonly clock: Clock;
  readonly signer: Signer;
  /** Adds a signing key beside the present ones, or forgets all but the newest; of each type that signs. */
  readonly rotate: (step: "add" | "retire") => void;
  /** Looks at the keys and changes them while no other process does. */
  readonly alone: <T>(work: () => T) => Promise<T>;
  /** The tenant whose admins operate the installation, and what all tenants share; null where each one's do. */
  readonly operators: TenantId | null;
  /** Makes the process that keeps the logs look at once. */
  readonly wake: () => Promise<void>;
  /** What an operator did to the installation as a whole, for the installation's own log. */
  readonly onOperated: (
    subject: string,
    kind: string,
    data: Readonly<Record<string, unknown>>,
  ) => Promise<void>;
};

const newestLog = async (tx: LogTx): Promise<LogInfo | null> => (await tx.logs()).at(-1) ?? null;

/** Keys of one type that sign at once: more than one only while verifiers learn of a new one, and each is a line of every checkpoint. */
export const SIGNING_KEYS_MAX = 4;

/** Whose history changes of the keys that sign are. */
export const SIGNER_SUBJECT = "signer";

/** Both keys sign until the old one is forgotten: verifiers have that long to learn of the new one. */
export async function rotate(
  ports: RotationPorts,
  { tenant, actor }: Caller,
  which: "add" | "retire",
): Promise<Result<readonly string[], Refusal>> {
  const { store, clock, wake, onOperated } = ports;
  const log = await store.transaction(tenant, newestLog);
  if (log === null) return ok([]);
  const rotated = await ports.alone(() => change(ports, tenant, log, which));
  if (!rotated.ok) return rotated;
  const { before, after } = rotated.value;
  await store.transaction(tenant, async (tx) => {
    await tx.addFact({
      subject: SIGNER_SUBJECT,
      at: clock.now(),
      kind: which === "add" ? "key.added" : "key.rotated",
      actor: uuidOf(actor.id),
      payload: JSON.stringify({ before, after }),
    });
  });
  // One key signs for all tenants, so all of them are told in the log that is about all.
  await onOperated(SIGNER_SUBJECT, which === "add" ? "key.added" : "key.rotated", {
    before: before.map(keyOf),
    after: after.map(keyOf),
  });
  await wake();
  return ok(after);
}

function change(
  ports: RotationPorts,
  tenant: TenantId,
  log: LogInfo,
  which: "add" | "retire",
): Result<{ readonly before: readonly string[]; readonly after: readonly string[] }, Refusal> {
  const refusal = refusesRotation(ports, tenant, log, which);
  if (refusal !== null) return err(refusal);
  const before = ports.signer.vkeys(log.origin);
  ports.rotate(which);
  return ok({ before, after: ports.signer.vkeys(log.origin) });
}

// One key signs for all tenants: a tenant that forgot it would end the trust of every other one's verifiers.
function refusesRotation(
  { signer, operators }: Pick<RotationPorts, "signer" | "operators">,
  tenant: TenantId,
  { origin, vkey }: LogInfo,
  which: "add" | "retire",
): Refusal | null {
  if (operators !== null && operators !== tenant)
    return {
      code: "scope_missing",
      detail:
        "The signer is the installation's: admins of the tenant that it was set up with rotate its keys.",
    };
  if (!signer.held(origin).some((key) => key.vkey === vkey))
    return {
      code: "rotation_refused",
      detail: "This server's home has not the keys that sign the log; ask the server whose home has them.",
    };
  if (which === "add" && ed25519Of(signer.vkeys(origin)).length >= SIGNING_KEYS_MAX)
    return {
      code: "rotation_refused",
      detail: `${SIGNING_KEYS_MAX} keys sign already; \`assent audit rotate retire\` forgets all but the newest.`,
    };
  return null;
}

const ed25519Of = (vkeys: readonly string[]): readonly string[] =>
  vkeys.filter((vkey) => {
    const key = parseVerifierKey(vkey);
    return key.ok && key.value.type === SIGNATURE_TYPES.ed25519;
  });

/** A verifier key without the name of the log and its number: the same for every log that it signs. In base64 there is a plus as well. */
const keyOf = (vkey: string): string => vkey.split("+").slice(2).join("+");
