// Where each argument of a call comes from, computed from what the harness saw and never by asking the model
// (DESIGN.md section 5; spec/security.md section 3).

import type { ArgumentLabel, ArgumentLabels, SourceRef } from "../decide/action-request.ts";
import { guardText } from "../prompt/guard.ts";
import { leavesOf, type Leaf } from "./leaves.ts";
import { distinctSources } from "./distinct.ts";
import { LABEL_COMPARISONS_MAX, LEAF_CHARS_MAX, SOURCES_PER_LEAF_MAX } from "./limits.ts";
import { findUntrustedParts } from "./parts.ts";
import { createTrustedText, type Effort } from "./trusted-text.ts";
import { createUntrustedText } from "./untrusted-text.ts";
import { readingsOf } from "./value-reading.ts";

export type LabelledText = {
  /** As in SourceRef: `task`, `system`, `step:<seq>`. */
  readonly id: string;
  readonly label: "trusted" | "untrusted";
  readonly text: string;
  /** The model did not see it: values of it are known by it, and it taints nothing. */
  readonly unseen?: boolean;
};

export type Labelled = { readonly labels: ArgumentLabels; readonly tainted: boolean };

export type OriginIndex = {
  /** In the journal's order; adding the same texts in the same order gives the same labels. */
  readonly add: (source: LabelledText) => void;
  /**
   * One label for every leaf of `args`. `schemaNames`: property names in the tool's input schema; a deeper name that
   * is not among them counts as a value that the model chose.
   */
  readonly label: (args: Readonly<Record<string, unknown>>, schemaNames?: ReadonlySet<string>) => Labelled;
  /** How overtly the most overt of the untrusted texts speaks to the model, 0 to 1. */
  readonly alarm: () => number;
  /** Bytes held for untrusted text, its own characters included. */
  readonly sizeBytes: () => number;
};

const NO_NAMES: ReadonlySet<string> = new Set();
const MODEL: ArgumentLabel = { origin: "model", sources: [] };
const UNSEEN: ArgumentLabel = { origin: "untrusted", sources: [] };

/**
 * `trusted`: the whole value stands in trusted text, also when it stands in untrusted text as well: the requester
 * wrote it. `untrusted`: a part that counts stands in untrusted text only, or the value could not be looked at.
 * `model`: all else. Time and memory are bounded whatever the texts and the arguments (see limits.ts).
 */
export function createOriginIndex(): OriginIndex {
  const authored = createTrustedText();
  const authors: LabelledText[] = [];
  // One index while nothing is stored; afterwards a second one, in which a value may also be joined from both.
  let trusted = authored;
  const untrusted = createUntrustedText();
  let alarm = 0;
  let tainted = false;

  const judge = (text: string, effort: Effort): ArgumentLabel => {
    if (text.length > LEAF_CHARS_MAX) return UNSEEN;
    const readings = readingsOf(text);
    // Who chose comes before who stored: a value that the requester wrote is theirs wherever else it stands.
    for (const index of new Set([authored, trusted]))
      for (const reading of readings) {
        const found = index.find(reading, effort);
        if (found !== null) return { origin: "trusted", sources: sourcesOf(found) };
      }
    if (untrusted.isFull()) return UNSEEN;
    if (untrusted.isEmpty()) return MODEL;
    for (const reading of readings) {
      const sources = findUntrustedParts(reading, trusted, untrusted, SOURCES_PER_LEAF_MAX);
      if (sources.length > 0) return { origin: "untrusted", sources };
    }
    return MODEL;
  };

  const judgeLeaf = (leaf: Leaf, effort: Effort): ArgumentLabel => {
    if (leaf.unseen) return UNSEEN;
    const text = textOf(leaf.value);
    const own = text === null ? (untrusted.isFull() ? UNSEEN : MODEL) : judge(text, effort);
    return leaf.names.reduce((worst, name) => worse(worst, judge(name, effort)), own);
  };

  const addTrusted = (source: LabelledText): void => {
    const isAuthors = AUTHORS.has(source.id);
    if (isAuthors) {
      authors.push(source);
      authored.add(source.id, source.text);
    }
    if (trusted === authored) {
      if (isAuthors) return;
      trusted = createTrustedText();
      for (const { id, text } of authors) trusted.add(id, text);
    }
    trusted.add(source.id, source.text);
  };

  return {
    add: (source) => {
      if (source.label === "trusted") {
        addTrusted(source);
      } else {
        untrusted.add(source.id, source.text);
        if (source.unseen === true) return;
        tainted = true;
        alarm = Math.max(alarm, guardText(source.text));
      }
    },
    label: (args, schemaNames = NO_NAMES) => {
      const effort: Effort = { left: LABEL_COMPARISONS_MAX };
      const labels: Record<string, ArgumentLabel> = {};
      const leaves = leavesOf(args, schemaNames);
      for (const leaf of leaves) labels[leaf.pointer] = judgeLeaf(leaf, effort);
      for (const pointer of chosenAgain(leaves, labels)) labels[pointer] = MODEL;
      return { labels, tainted };
    },
    alarm: () => alarm,
    sizeBytes: () => untrusted.sizeBytes(),
  };
}

const AUTHORS: ReadonlySet<string> = new Set(["task", "system"]);

/** Each once, and the first ones; what a tool stored goes first, so that no cut leaves only the author's part of a joined value. */
function sourcesOf(found: readonly SourceRef[]): readonly SourceRef[] {
  const places = distinctSources(found);
  if (places.length <= SOURCES_PER_LEAF_MAX) return places;
  return places
    .toSorted((a, b) => Number(AUTHORS.has(a.source)) - Number(AUTHORS.has(b.source)))
    .slice(0, SOURCES_PER_LEAF_MAX);
}

/**
 * One mention chooses one item of a list: where the very same one stands there twice, the second is the model's, who may
 * have left out another one for it. An item is the same where each of its values has the same source.
 */
function chosenAgain(leaves: readonly Leaf[], labels: ArgumentLabels): readonly string[] {
  const items = new Map<string, { readonly list: string; readonly leaves: Leaf[] }>();
  for (const leaf of leaves) {
    if (leaf.item === null) continue;
    const item = items.get(leaf.item.pointer) ?? { list: leaf.item.list, leaves: [] };
    item.leaves.push(leaf);
    items.set(leaf.item.pointer, item);
  }
  const seen = new Set<string>();
  return [...items].flatMap(([pointer, item]) => {
    const found = item.leaves.map((leaf) => ({
      path: leaf.pointer.slice(pointer.length),
      label: labels[leaf.pointer],
    }));
    const key = JSON.stringify([item.list, found]);
    const isAgain = found.every(({ label }) => label?.origin === "trusted") && seen.has(key);
    seen.add(key);
    return isAgain ? item.leaves.map((leaf) => leaf.pointer) : [];
  });
}

/** A truth value stands in any text, and nothing at all stands nowhere: neither was chosen by being written. */
function textOf(value: unknown): string | null {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "bigint") return String(value);
  return null;
}

const RANK = { trusted: 0, model: 1, untrusted: 2 } as const;

function worse(a: ArgumentLabel, b: ArgumentLabel): ArgumentLabel {
  if (RANK[a.origin] !== RANK[b.origin]) return RANK[a.origin] > RANK[b.origin] ? a : b;
  return {
    origin: a.origin,
    sources: distinctSources([...a.sources, ...b.sources]).slice(0, SOURCES_PER_LEAF_MAX),
  };
}
