// How long what is replaced is to be good beside what comes after it.

import type { ReactNode } from "react";

export const OVERLAP_HOURS_USUAL = 24;
const HOURS_MAX = 720;

type OverlapProps = { readonly hours: number; readonly onChange: (hours: number) => void };

export function Overlap({ hours, onChange }: OverlapProps): ReactNode {
  return (
    <label>
      The old one is good beside it for{" "}
      <input
        type="number"
        min={0}
        max={HOURS_MAX}
        value={hours}
        onChange={(event) => {
          const given = Math.trunc(Number(event.target.value)) || 0;
          onChange(Math.min(HOURS_MAX, Math.max(0, given)));
        }}
      />{" "}
      hours
    </label>
  );
}
