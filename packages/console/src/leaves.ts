// The arguments of a call as an approver reads them: one row a value, each with who chose it.

import type { Approval } from "@assent/contract";

export type Origin = Approval["labels"][string]["origin"];

export type Leaf = {
  /** JSON pointer (RFC 6901) into the arguments; empty for the arguments themselves. */
  readonly pointer: string;
  /** What is at that place: text as it is, anything else as JSON. */
  readonly text: string;
  readonly isText: boolean;
  /** `approver`: whoever looks at it has just written it. */
  readonly origin: Origin | "approver" | null;
  /** `task`, `system`, `step:<seq>` or `document:<id>#<place>`, each once. */
  readonly sources: readonly string[];
};

/** Every value of the arguments, in their order. Empty lists and objects are values. */
export function leavesOf(value: unknown, labels: Approval["labels"], pointer = ""): readonly Leaf[] {
  if (Array.isArray(value) && value.length > 0)
    return value.flatMap((item, index) => leavesOf(item, labels, `${pointer}/${index}`));
  if (isRecord(value) && Object.keys(value).length > 0)
    return Object.entries(value).flatMap(([name, item]) =>
      leavesOf(item, labels, `${pointer}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`),
    );
  const label = labelAt(labels, pointer);
  return [
    {
      pointer,
      text: typeof value === "string" ? value : JSON.stringify(value),
      isText: typeof value === "string",
      origin: label?.origin ?? null,
      sources: [...new Set(label?.sources.map(({ source }) => source))],
    },
  ];
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The label of the place, else of the nearest one that holds it. */
function labelAt(labels: Approval["labels"], pointer: string): Approval["labels"][string] | undefined {
  for (let at = pointer; ; at = at.slice(0, at.lastIndexOf("/"))) {
    const label = Object.hasOwn(labels, at) ? labels[at] : undefined;
    if (label !== undefined || at === "") return label;
  }
}

/** Money, destruction, a message to the outside, or an effect that happens once: what no second look can take back. */
export const isGrave = ({ action }: Pick<Approval, "action">): boolean =>
  action.effect === "once" || action.harm.some((harm) => harm !== "write");

/** What the server would refuse to remember: a yes that spends or destroys, or whose target untrusted text may have chosen. */
export const isYesMemorable = ({ action, labels }: Pick<Approval, "action" | "labels">): boolean =>
  !action.harm.some((harm) => harm === "money" || harm === "destructive") &&
  !Object.values(labels).some(({ origin }) => origin === "untrusted");
