import { SIGNATURE_TYPES, signerKey } from "@assent/tlog";
import { expect, test } from "vitest";
import type { AnchorFiles } from "../../ports.ts";
import { createSigner, type LogKeyType } from "./signer.ts";

const { ed25519, mldsa } = SIGNATURE_TYPES;
const seed = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const unread = (): never => {
  throw new Error("what keys sign a log is asked of the keys alone");
};
const anchors: AnchorFiles = { read: unread, replace: unread };

test("keys are made of their seeds once, and anew where seeds come, go or change their places", () => {
  const seeds = new Map<LogKeyType, Uint8Array[]>();
  const signer = createSigner(anchors, { seeds: (type) => seeds.get(type) ?? [], retired: () => [] });
  const expectKeys = (...wanted: readonly (readonly [LogKeyType, number])[]): void => {
    for (const origin of ["one", "another"]) {
      const fresh = wanted.map(([type, byte]) => signerKey(origin, type, seed(byte)).vkey);
      expect(signer.vkeys(origin)).toEqual(fresh);
      const held = signer.held(origin);
      for (const [at, key] of signer.held(origin).entries()) expect(key).toBe(held[at]);
    }
  };
  const first = seed(1);
  seeds.set(ed25519, [first]);
  expectKeys([ed25519, 1]);
  seeds.set(ed25519, [first, seed(2)]);
  expectKeys([ed25519, 1], [ed25519, 2]);
  seeds.set(ed25519, [seed(2)]);
  expectKeys([ed25519, 2]);
  seeds.set(ed25519, [seed(3)]);
  seeds.set(mldsa, [seed(2)]);
  expectKeys([ed25519, 3], [mldsa, 2]);
  // Also where whoever gives the seeds out has one place for them.
  seeds.get(ed25519)?.[0]?.fill(4);
  expectKeys([ed25519, 4], [mldsa, 2]);
  seeds.set(ed25519, [seed(4), seed(2)]);
  seeds.delete(mldsa);
  expectKeys([ed25519, 4], [ed25519, 2]);
  seeds.set(ed25519, [seed(2), seed(4)]);
  expectKeys([ed25519, 2], [ed25519, 4]);
});
