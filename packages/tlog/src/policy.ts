// C2SP tlog-policy: which logs are believed, and which witnesses must have cosigned. https://c2sp.org/tlog-policy

import { isCosigner } from "./cosignature.ts";
import { parseVerifierKey, type VerifierKey } from "./keys.ts";
import { fail, ok, type Result } from "./result.ts";
import { encodeBase64 } from "./text.ts";

export type PolicyLog = { readonly key: VerifierKey; readonly url: string | null };
export type PolicyWitness = PolicyLog & { readonly name: string };

/** A group is satisfied by k of its members, each a witness or a group. */
type Member =
  | { readonly kind: "witness"; readonly witness: PolicyWitness }
  | { readonly kind: "group"; readonly threshold: number; readonly members: readonly Member[] };

export type Policy = {
  /** Several lines of one name are keys of one log: of each type among them one must have signed (`openCheckpoint`). */
  readonly logs: readonly PolicyLog[];
  readonly witnesses: readonly PolicyWitness[];
  /** Whether cosignatures of exactly these witnesses (by vkey) are enough. */
  readonly isQuorum: (cosigners: ReadonlySet<string>) => boolean;
  /** No witness is wanted at all. */
  readonly isQuorumNone: boolean;
};

/** The specification recommends that at least 32 of each are possible. */
const DEFINITIONS_MAX = 256;

type Draft = {
  readonly logs: PolicyLog[];
  readonly witnesses: PolicyWitness[];
  readonly named: Map<string, Member>;
  readonly used: Set<string>;
  quorum: Member | "none" | null;
};

/** Reads a policy file. One wrong line makes the whole policy refused: a rule that was not understood must not be lost. */
export function parsePolicy(text: string): Result<Policy> {
  // Octets that the file may hold: tab, newline and everything from space up, but not DEL.
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u0008\u000B-\u001F\u007F]/.test(text)) return fail("policy: a control character");
  const draft: Draft = { logs: [], witnesses: [], named: new Map(), used: new Set(), quorum: null };
  for (const [index, line] of text.split("\n").entries()) {
    const words = line.split(/[ \t]+/).filter((word) => word !== "");
    const [keyword, ...rest] = words;
    if (keyword === undefined || keyword.startsWith("#")) continue;
    const refusal = readLine(draft, keyword, rest);
    if (refusal !== null) return fail(`policy line ${index + 1}: ${refusal}`);
  }
  const { logs, witnesses, quorum } = draft;
  if (quorum === null) return fail("policy: no quorum line");
  return ok({
    logs,
    witnesses,
    isQuorum: (cosigners) => quorum === "none" || isSatisfied(quorum, cosigners),
    isQuorumNone: quorum === "none",
  });
}

function isSatisfied(member: Member, cosigners: ReadonlySet<string>): boolean {
  if (member.kind === "witness") return cosigners.has(member.witness.key.vkey);
  return member.members.filter((inner) => isSatisfied(inner, cosigners)).length >= member.threshold;
}

function readLine(draft: Draft, keyword: string, words: readonly string[]): string | null {
  switch (keyword) {
    case "log":
      return readLog(draft, words);
    case "witness":
      return readWitness(draft, words);
    case "group":
      return readGroup(draft, words);
    case "quorum":
      return readQuorum(draft, words);
    default:
      return `nothing is known of ${JSON.stringify(keyword)}`;
  }
}

const isSameKey = (a: VerifierKey, b: VerifierKey): boolean =>
  encodeBase64(a.publicKey) === encodeBase64(b.publicKey);

function readLog(draft: Draft, [vkey, url, ...rest]: readonly string[]): string | null {
  if (vkey === undefined || rest.length > 0) return "expected: log <vkey> [<url>]";
  const key = parseVerifierKey(vkey);
  if (!key.ok) return key.error;
  if (key.value.type === 0x04) return "this type of key does not sign checkpoints of a log";
  if (draft.logs.some((log) => isSameKey(log.key, key.value))) return "this log's key was named before";
  if (draft.logs.length >= DEFINITIONS_MAX) return "too many logs";
  draft.logs.push({ key: key.value, url: url ?? null });
  return null;
}

function readWitness(draft: Draft, [name, vkey, url, ...rest]: readonly string[]): string | null {
  if (name === undefined || vkey === undefined || rest.length > 0)
    return "expected: witness <name> <vkey> [<url>]";
  const key = parseVerifierKey(vkey);
  if (!key.ok) return key.error;
  if (!isCosigner(key.value)) return "this type of key does not cosign";
  if (draft.witnesses.some((witness) => isSameKey(witness.key, key.value)))
    return "this witness's key was named before";
  const witness: PolicyWitness = { name, key: key.value, url: url ?? null };
  const refusal = define(draft, name, { kind: "witness", witness });
  if (refusal === null) draft.witnesses.push(witness);
  return refusal;
}

function define(draft: Draft, name: string, member: Member): string | null {
  if (name === "none") return "the name none is taken";
  if (draft.named.has(name)) return `${JSON.stringify(name)} was defined before`;
  if (draft.named.size >= DEFINITIONS_MAX) return "too many names";
  draft.named.set(name, member);
  return null;
}

function readGroup(draft: Draft, [name, how, ...names]: readonly string[]): string | null {
  if (name === undefined || how === undefined || names.length === 0)
    return "expected: group <name> all|any|<k> <name>...";
  const members: Member[] = [];
  for (const inner of names) {
    const member = draft.named.get(inner);
    if (member === undefined) return `${JSON.stringify(inner)} is not defined above`;
    // Else one witness could count twice towards a quorum.
    if (draft.used.has(inner)) return `${JSON.stringify(inner)} is a member of a group already`;
    draft.used.add(inner);
    members.push(member);
  }
  const threshold = thresholdOf(how, names.length);
  if (threshold === null) return "the threshold is all, any, or a number from 1 to the number of members";
  return define(draft, name, { kind: "group", threshold, members });
}

function thresholdOf(how: string, count: number): number | null {
  if (how === "all") return count;
  if (how === "any") return 1;
  const threshold = /^[1-9]\d{0,5}$/.test(how) ? Number(how) : 0;
  return threshold >= 1 && threshold <= count ? threshold : null;
}

function readQuorum(draft: Draft, [name, ...rest]: readonly string[]): string | null {
  if (name === undefined || rest.length > 0) return "expected: quorum <name>";
  if (draft.quorum !== null) return "there is one quorum line";
  const quorum = name === "none" ? "none" : draft.named.get(name);
  if (quorum === undefined) return `${JSON.stringify(name)} is not defined above`;
  draft.quorum = quorum;
  return null;
}
