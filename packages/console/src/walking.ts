// Walking through a list by the keys. The row that was chosen stays chosen when others come and go around it, so that Enter
// opens what was looked at; where it has gone itself, the one that took its place is.

import { useEffect, useState } from "react";
import { useKeys } from "./keys.ts";

type Chosen = { readonly id: string | undefined; readonly at: number; readonly isByKey: boolean };

/** @returns the place of what is chosen, as long as there is any */
export const placeOfChosen = (ids: readonly string[], { id, at }: Pick<Chosen, "id" | "at">): number =>
  id !== undefined && ids.includes(id) ? ids.indexOf(id) : Math.min(at, ids.length - 1);

type RowProps = { readonly className: string; readonly "aria-current": "true" | undefined };

/**
 * `j`, `k` and Enter, for the one list of a page.
 * @param ids of the rows, in their order
 * @returns what a row wears
 */
export function useWalk(ids: readonly string[], onOpen: (id: string) => void): (id: string) => RowProps {
  const [chosen, setChosen] = useState<Chosen>(() => ({ id: ids[0], at: 0, isByKey: false }));
  const at = placeOfChosen(ids, chosen);
  const choose = (wanted: number): void => {
    const next = Math.max(0, Math.min(wanted, ids.length - 1));
    setChosen({ id: ids[next], at: next, isByKey: true });
  };
  useKeys({
    j: () => {
      choose(at + 1);
    },
    k: () => {
      choose(at - 1);
    },
    Enter: () => {
      const id = ids[at];
      if (id !== undefined) onOpen(id);
    },
  });
  useEffect(() => {
    if (chosen.isByKey)
      document.querySelector("main tr[aria-current=true]")?.scrollIntoView({ block: "nearest" });
  }, [chosen]);
  return (id) =>
    id === ids[at]
      ? { className: "chosen", "aria-current": "true" }
      : { className: "", "aria-current": undefined };
}
