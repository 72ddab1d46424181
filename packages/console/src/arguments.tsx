// Every value of a call, exactly as it will be sent, with who chose it.

import type { Comparison } from "@assent/contract";
import type { ReactNode } from "react";
import { Before } from "./advice.tsx";
import type { Leaf } from "./leaves.ts";
import { Visible } from "./parts.tsx";
import { hashOf } from "./places.ts";
import { ORIGIN_WORDS } from "./words.ts";

type ArgumentsProps = {
  readonly run: string;
  readonly leaves: readonly Leaf[];
  /** Pointers that have to be looked at one by one; those that were. */
  readonly asked: ReadonlySet<string>;
  readonly confirmed: ReadonlySet<string>;
  /** The closest call that was answered before; null: there is none, or it is not kept. */
  readonly before: Comparison | null;
  readonly onConfirm: (pointer: string, isConfirmed: boolean) => void;
};

export function Arguments(props: ArgumentsProps): ReactNode {
  const { run, leaves, asked, confirmed, before, onConfirm } = props;
  return (
    <table className={`arguments ${before === null ? "" : "compared"}`}>
      <caption>
        Arguments, exactly as they will be sent: {leaves.length} of {leaves.length} shown
      </caption>
      <thead>
        <tr>
          <th scope="col">Argument</th>
          <th scope="col">Value</th>
          {before === null ? null : (
            <th scope="col">
              Then <small>(closest earlier answer; advice only)</small>
            </th>
          )}
          <th scope="col">Chosen by</th>
        </tr>
      </thead>
      <tbody>
        {leaves.map((leaf) => (
          <tr key={leaf.pointer} className={leaf.origin === "untrusted" ? "tainted" : ""}>
            <th scope="row">
              <Visible text={leaf.pointer === "" ? "(all)" : leaf.pointer} />
            </th>
            <td>
              <Value leaf={leaf} />
            </td>
            {before === null ? null : (
              <td className="then">
                <Before comparison={before} leaf={leaf} />
              </td>
            )}
            <td>
              <Origin run={run} leaf={leaf} />
              {asked.has(leaf.pointer) ? (
                <label className="confirm">
                  <input
                    type="checkbox"
                    checked={confirmed.has(leaf.pointer)}
                    onChange={(event) => {
                      onConfirm(leaf.pointer, event.target.checked);
                    }}
                  />
                  I have checked this value
                </label>
              ) : null}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Shorter ones need no count to be compared. */
const COUNTED_CHARS_MIN = 60;
/** Longer ones are scrolled within their row, so that the next is not far away. */
const [LONG_CHARS, LONG_LINES] = [400, 8];

function Value({ leaf: { text, isText } }: { readonly leaf: Leaf }): ReactNode {
  const chars = Array.from(text).length;
  const isLong = chars > LONG_CHARS || text.split("\n").length > LONG_LINES;
  const shown = text === "" ? <em>(empty text)</em> : <Visible text={text} />;
  return (
    <>
      {isLong ? (
        // Scrolled by keyboard as well.
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        <div className="value long" tabIndex={0} role="group" aria-label="value">
          {shown}
        </div>
      ) : (
        <div className="value">{shown}</div>
      )}
      {isText && chars >= COUNTED_CHARS_MIN ? <small>{chars} characters</small> : null}
    </>
  );
}

function Origin({
  run,
  leaf: { origin, sources },
}: {
  readonly run: string;
  readonly leaf: Leaf;
}): ReactNode {
  return (
    <>
      <span className={`origin ${origin ?? "unknown"}`}>
        {origin === null ? "nobody knows" : ORIGIN_WORDS[origin]}
      </span>
      {sources.map((source) => (
        <Source key={source} run={run} source={source} />
      ))}
    </>
  );
}

function Source({ run, source }: { readonly run: string; readonly source: string }): ReactNode {
  const step = /^step:(\d+)/.exec(source)?.[1];
  if (step === undefined) return <small className="source">{source}</small>;
  return (
    <small className="source">
      <a href={hashOf({ page: "run", id: run, step: Number(step) })}>step {step}</a>
    </small>
  );
}
