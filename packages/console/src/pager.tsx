// Turning the pages of a list that is newest first.

import type { ReactNode } from "react";

type PagerProps = {
  /** That led to the page that is shown; none for the newest. */
  readonly cursors: readonly string[];
  /** Leads to the older ones; null where there are none. */
  readonly next: string | null;
  readonly onTurn: (cursors: readonly string[]) => void;
};

export function Pager({ cursors, next, onTurn }: PagerProps): ReactNode {
  return (
    <p className="pages">
      {cursors.length === 0 ? null : (
        <button
          type="button"
          onClick={() => {
            onTurn(cursors.slice(0, -1));
          }}
        >
          Newer
        </button>
      )}
      {next === null ? null : (
        <button
          type="button"
          onClick={() => {
            onTurn([...cursors, next]);
          }}
        >
          Older
        </button>
      )}
    </p>
  );
}
