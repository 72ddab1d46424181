// The scenario of replays passes on the product, and fails when what it is there for is taken out of the product.

import { vi } from "vitest";
import { proveKills } from "../../support/target/kills.ts";
import { createInProcessTarget } from "../../support/target/local-target.ts";

type Break = "nobody looks at signatures" | "a nonce is taken again" | "any time is near enough";

const broken = vi.hoisted(() => ({ by: "none" as Break | "none" }));

vi.mock(import("../../../packages/harness/src/services/signing-keys.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    checkSignature: async (ports, admitted, message) => {
      if (broken.by === "nobody looks at signatures") return { ok: true, value: admitted.caller };
      if (broken.by !== "a nonce is taken again") return await real.checkSignature(ports, admitted, message);
      const store = { ...ports.store, takeNonce: async () => await Promise.resolve(true) };
      return await real.checkSignature({ ...ports, store }, admitted, message);
    },
  };
});

vi.mock(import("../../../packages/harness/src/core/signature/verify.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    refuseSignature: (message, signature, key, now) =>
      real.refuseSignature(
        message,
        signature,
        key,
        broken.by === "any time is near enough" ? new Date(signature.created * 1_000) : now,
      ),
  };
});

const REPLAY = "replay_attack_idempotency_enforced";

proveKills<Break>(createInProcessTarget(), broken, [
  [REPLAY, "nobody looks at signatures", "401: the same bytes at once"],
  [REPLAY, "a nonce is taken again", "401: the same bytes at once"],
  // Of one that is too old the database keeps no nonce any more, and takes none: it is refused for that.
  [REPLAY, "any time is near enough", "401: signed after the window"],
]);
