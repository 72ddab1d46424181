// Whether two answers say the same, and ids that are like others: a harness names its things as it likes, and each of its answers may
// name itself.

import { canonicalJson } from "./canonical-json.ts";
import type { Answer } from "./client.ts";
import { fieldsOf } from "./run-reading.ts";

/**
 * An id of the same form that nothing has, as far as one can be made without knowing the form: its own last letters in another
 * order, or another number.
 */
export function unknownLike(id: string): string {
  const [end = ""] = /[0-9A-Za-z]{1,8}$/.exec(id) ?? [];
  const start = id.slice(0, id.length - end.length);
  if (/^\d+$/.test(end)) {
    // Small numbers are given out one after the other: a number as small may be somebody's.
    const far = start === "" && end.length < 8 ? "999999999" : "9".repeat(end.length);
    return `${start}${far === end ? far.replaceAll("9", "8") : far}`;
  }
  const turned = Array.from(end).toReversed().join("");
  const other = turned === end ? `${end.slice(1)}${end.slice(0, 1)}` : turned;
  // All of its letters are the same one.
  return `${start}${other === end ? `${end.slice(1)}${end.startsWith("a") ? "b" : "a"}` : other}`;
}

/** Names of headers that say nothing of what was asked for, but of how the answer comes. */
const CARRIERS: readonly string[] = ["connection", "keep-alive", "transfer-encoding", "content-length"];

type Said = ReadonlyMap<string, readonly string[]>;
type Asked = { readonly answer: Answer; readonly id: string };

/** What it says, word by word and without the id that was asked for: by member, and by header which there are. */
function saidBy({ answer: { status, json, headers }, id }: Asked): Said {
  const members = Object.entries(fieldsOf(json)).map(
    ([name, value]) => [name, canonicalJson(value).replaceAll(id, "").split(/\s+/u)] as const,
  );
  const named = Object.keys(headers).filter((name) => !CARRIERS.includes(name));
  const said = new Map<string, readonly string[]>(members);
  said.set("\nstatus", [String(status)]);
  for (const name of named) said.set(`\nheader ${name}`, []);
  return said;
}

/**
 * Whether an answer says what two others say that were given to the same question: in what the two differ (a name of the
 * request, a time) it may differ as well, and nowhere else.
 */
export function isLikeBoth(asked: Asked, others: readonly [Asked, Asked]): boolean {
  const said = saidBy(asked);
  const [one, other] = [saidBy(others[0]), saidBy(others[1])];
  return [...new Set([...said.keys(), ...one.keys(), ...other.keys()])].every((name) => {
    const [words, first, second] = [said.get(name), one.get(name), other.get(name)];
    // Now and then there: it says nothing.
    if (first === undefined || second === undefined) return first !== second || words === undefined;
    if (first.length !== second.length) return words !== undefined;
    return (
      words?.length === first.length && first.every((word, at) => word !== second[at] || word === words[at])
    );
  });
}
