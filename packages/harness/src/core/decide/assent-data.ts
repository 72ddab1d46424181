// What events say of who had to agree and who did, so that whoever has the log alone can tell whether that was enough. Of people
// no names: a digest of each with the approval's id, so that two are the same or are not. Whoever knows a name can look for it,
// as with a principal's id.

import type { Actor, KeyId, Role, Scope } from "@assent/contract";
import { digestOf, type Sha256 } from "../../base/digest.ts";
import { approverEntry, type Assent, personNamed } from "./policy-annotations.ts";

/** Under `assent` in `approval_opened`: what the approval takes. */
export type NeededData = {
  /** Different people who have to agree. */
  readonly quorum: number;
  readonly separate_duties: boolean;
  /** Who asked for the run: the principal, and which person that is. */
  readonly requester: string;
  readonly requester_person: Sha256;
  /** Who may agree, where the rule says it: digests of entries as `approverEntry` writes them. */
  readonly approvers?: readonly Sha256[];
};

/** Under `given` in `approval_voted` and `approval_approved`: whose yes it is. The principal stands in the entry itself. */
export type GivenData = {
  readonly by: Actor["kind"];
  readonly person: Sha256;
  readonly entry: Sha256;
  /** By what right: null for an identity provider's token, which no event tells of. */
  readonly key: KeyId | null;
  readonly roles: readonly Role[];
  /** Of the key's scopes the one that permits this. */
  readonly scopes: readonly Scope[];
  /** By which rules that is a right, where they are an operator's own. */
  readonly rules: Sha256 | null;
};

/** What permits somebody to decide, by the rules in policies/access, which an operator may replace: a test holds them to this. */
export const APPROVING_ROLES: readonly Role[] = ["approver", "admin"];
export const APPROVING_SCOPE: Scope = "approvals:decide";

/** As much of a caller as stands under `given`: whose word is written, and by what right it is given. */
export type Giver = {
  readonly actor: Actor;
  readonly key: KeyId | null;
  readonly roles: readonly Role[];
  readonly scopes: readonly Scope[];
  readonly rules: Sha256 | null;
};

type Named = Pick<Actor, "kind" | "name">;

const digest = (what: "person" | "entry", approval: string, name: string): Sha256 =>
  digestOf(`approver-${what}`, { approval, name });
const personDigest = (approval: string, actor: Named): Sha256 =>
  digest("person", approval, personNamed(approverEntry(actor)));

export const neededData = (
  approval: string,
  { quorum, separateDuties, approvers }: Assent,
  requester: Actor,
): NeededData => ({
  quorum,
  separate_duties: separateDuties,
  requester: requester.id,
  requester_person: personDigest(approval, requester),
  ...(approvers === undefined
    ? {}
    : { approvers: approvers.map((entry) => digest("entry", approval, entry)) }),
});

export const givenData = (approval: string, { actor, key, roles, scopes, rules }: Giver): GivenData => ({
  by: actor.kind,
  person: personDigest(approval, actor),
  entry: digest("entry", approval, approverEntry(actor)),
  key,
  roles,
  scopes: scopes.filter((scope) => scope === APPROVING_SCOPE),
  rules,
});
