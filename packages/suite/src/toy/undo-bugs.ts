// Bugs of whoever takes back what a failed run did. Tried at night, beside the product's own (tests/integration/faults).

export const UNDO_BUGS = {
  "undo.none": "takes nothing back",
  "undo.newest": "takes back what it did last, and no more",
  "undo.oldest": "takes back what it did first at first",
  "undo.fresh": "repeats what takes something back under another key",
  "undo.optimist": "takes an answer that was lost for a yes",
  "undo.once": "tries once, and goes on",
  "undo.others": "takes back whatever stands, whosever run it was",
  "undo.memory": "remembers what a run did in a process's memory only",
  "undo.cancel": "leaves what a run did that was called off, and does not say so",
  "undo.early": "says that a run has failed, and takes back what it did then",
  "undo.claims": "says that it has taken back what it was not let",
  "undo.stops": "takes back no more when one thing cannot be, and does not say what is left",
  "undo.silent": "does not say what nothing takes back",
} as const;

/** What is as good, and theirs to choose. */
export const UNDO_WAYS = {
  "way.asks_once": "asks once for all that it is going to do",
  "way.leaves": "leaves what a run did that was called off, and says so",
} as const;
export type UndoWay = keyof typeof UNDO_WAYS;
export const isUndoWay = (name: string): name is UndoWay => Object.hasOwn(UNDO_WAYS, name);

export type UndoBug = keyof typeof UNDO_BUGS;

export const isUndoBug = (name: string): name is UndoBug => Object.hasOwn(UNDO_BUGS, name);
