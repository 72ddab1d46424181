// Words for what people have done for them, in kinds. A tool's name and the requester's sentence seldom use the same
// word for one act ("drop the old plan" is a `delete_file`), so they are compared by kind. General English, and nothing
// of any tool set: a word that is missing costs a question, and never lets anything through.

const KINDS = {
  remove:
    "delete remove erase discard trash purge wipe destroy cancel revoke terminate unsubscribe kick ban expel unshare uninvite deactivate disable drop uninstall withdraw end stop",
  end: "close archive resolve finish complete end stop",
  send: "send sent mail email message tell inform notify reply respond answer forward publish announce post write ping text broadcast submit contact remind ask invite dispatch deliver relay resend transmit",
  share: "share invite add give grant publish allow join include permit admit",
  pay: "pay paid send dispatch deliver transfer wire refund reimburse buy purchase order settle book reserve rent donate tip charge deposit checkout",
  create:
    "create new store compose prepare make add write save put copy append schedule book draft record open insert upload generate register reserve setup",
  change:
    "change update edit set modify rename move reschedule postpone raise lower increase decrease reset replace correct fix adjust shift mark assign configure convert turn enable switch merge restore rotate",
  run: "run execute start launch deploy restart build trigger restore install",
  fetch: "open visit browse fetch load download read look check get see view find search show list go",
} as const;

export type Act = keyof typeof KINDS;

/** Whoever makes one of these pays. */
const MONEY: ReadonlySet<string> = new Set(["money", "payment", "transaction", "fund"]);

/** Without its ending: `cancelled`, `cancelling` and `cancels` are one word. Good for comparing, not for reading. */
export function stemOf(word: string): string {
  const bare = word.replace(/(?:ations?|ings?|ed|es|s)$/, "");
  const root = bare.length >= 3 ? bare : word;
  return root.replace(/([b-df-hj-np-tv-z])\1$/, "$1").replace(/e$/, "");
}

const ACTS: ReadonlyMap<string, ReadonlySet<Act>> = indexed();

function indexed(): Map<string, Set<Act>> {
  const acts = new Map<string, Set<Act>>();
  for (const act of Object.keys(KINDS).filter(isAct))
    for (const word of KINDS[act].split(" ")) {
      const stem = stemOf(word);
      const known = acts.get(stem) ?? new Set();
      acts.set(stem, known.add(act));
    }
  return acts;
}

function isAct(name: string): name is Act {
  return Object.hasOwn(KINDS, name);
}

const NO_ACTS: ReadonlySet<Act> = new Set();

/** Kinds of act that a word in lower case can stand for; most words stand for none. */
export const actsOf = (word: string): ReadonlySet<Act> => ACTS.get(stemOf(word)) ?? NO_ACTS;

/** Acts that are done by making the thing which has their name. */
const DONE_BY_MAKING: ReadonlySet<Act> = new Set(["pay", "send", "share"]);

/** Whoever is added to something gets to see it: `add_guest` shares. */
const PEOPLE: ReadonlySet<string> = new Set(
  ["guest", "member", "participant", "attendee", "collaborator", "reader", "user", "people", "person"].map(
    stemOf,
  ),
);

/** What is hard to undo comes first. What is sent, booked or fetched is as often a thing as an act. */
const GRAVEST_FIRST: readonly Act[] = [
  "remove",
  "end",
  "change",
  "run",
  "share",
  "create",
  "pay",
  "send",
  "fetch",
];

const gravityOf = (word: string): number => GRAVEST_FIRST.findIndex((act) => actsOf(word).has(act));

/** Which word of a tool's name says what it does: of several the gravest (`mail.delete`, `forwarding_update`); or -1. */
export function placeOfAct(words: readonly string[]): number {
  let gravest = -1;
  for (const [place, word] of words.entries()) {
    const gravity = gravityOf(word);
    if (gravity >= 0 && (gravest < 0 || gravity < gravityOf(words[gravest] ?? ""))) gravest = place;
  }
  return gravest;
}

/** The acts of a tool by the words of its name. Who sends or makes money pays; a bare `send` sends words. */
export function actsOfTool(words: readonly string[]): ReadonlySet<Act> {
  const acts = new Set(actsOf(words[placeOfAct(words)] ?? ""));
  const gives = acts.has("send") || acts.has("create");
  if (gives && words.some((word) => MONEY.has(stemOf(word)))) return new Set(["pay"]);
  if (acts.has("create") && words.some((word) => PEOPLE.has(stemOf(word)))) acts.add("share");
  if (acts.has("send")) acts.delete("pay");
  if (acts.has("create")) acts.delete("send");
  return acts;
}

/** Whoever makes a transfer, an invite or a message does what that says: `transfers.create`, `compose_message`. */
export function actsByMaking(words: readonly string[]): ReadonlySet<Act> {
  const place = placeOfAct(words);
  if (!actsOfTool(words).has("create")) return NO_ACTS;
  const made = words.flatMap((word, at) => (at === place ? [] : [...actsOf(word)]));
  return new Set(made.filter((act) => DONE_BY_MAKING.has(act)));
}
