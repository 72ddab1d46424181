// The part of the memory harness that is about signatures: what was asked is recorded, and every answer is a fixed one.

import { err, ok } from "../../../packages/harness/src/base/result.ts";
import type { Harness } from "../../../packages/harness/src/services/harness.ts";
import type { Recorder } from "./memory-harness.ts";
import { CREATED_SIGNING_KEY, SIGNING_KEY } from "./samples.ts";

export function signingCalls(
  record: Recorder,
): Pick<
  Harness,
  | "checkSignature"
  | "createSigningKey"
  | "listSigningKeys"
  | "rotateSigningKey"
  | "revokeSigningKey"
  | "changePrincipal"
  | "listSigners"
> {
  return {
    changePrincipal: async (caller, change) => {
      record("changePrincipal", caller, change);
      const { name, kind } = change.principal;
      const { id } = SIGNING_KEY.principal;
      return await Promise.resolve(ok({ id, name, kind, must_sign: change.must_sign }));
    },
    listSigners: async (caller) => {
      record("listSigners", caller);
      return await Promise.resolve(ok([{ ...SIGNING_KEY.principal, must_sign: true }]));
    },
    // As on a server where no key has to sign; the real check is tested with the real harness.
    checkSignature: async ({ caller }) => await Promise.resolve(ok(caller)),
    createSigningKey: async (caller, request) => {
      record("createSigningKey", caller, request);
      return await Promise.resolve(ok(CREATED_SIGNING_KEY));
    },
    listSigningKeys: async (caller) => {
      record("listSigningKeys", caller);
      return await Promise.resolve(ok([SIGNING_KEY]));
    },
    rotateSigningKey: async (caller, id, request) => {
      record("rotateSigningKey", caller, id, request);
      return await Promise.resolve(
        id === SIGNING_KEY.id ? ok(CREATED_SIGNING_KEY) : err({ code: "key_not_found", detail: "x" }),
      );
    },
    revokeSigningKey: async (caller, id) => {
      record("revokeSigningKey", caller, id);
      return await Promise.resolve(
        id === SIGNING_KEY.id ? ok(SIGNING_KEY) : err({ code: "key_not_found", detail: "x" }),
      );
    },
  };
}
