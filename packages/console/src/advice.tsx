// What people answered to questions like this one: evidence about past decisions, no standing authority, and it looks like it.

import type { Advice, ComparedArgument, Comparison } from "@assent/contract";
import type { ReactNode } from "react";
import { comparedAt, partedFrom } from "./comparing.ts";
import type { Leaf } from "./leaves.ts";
import { Visible } from "./parts.tsx";
import { hashOf } from "./places.ts";
import { ORIGIN_WORDS, stateWords } from "./words.ts";

export function AdviceList({ advice }: { readonly advice: readonly Advice[] }): ReactNode {
  if (advice.length === 0) return <p className="quiet">No earlier answer is like this one.</p>;
  return (
    <section aria-label="Earlier answers" className="advice">
      <h3>Answered before, as advice only: none of it decides this call</h3>
      <ul>
        {advice.map((one) => (
          <li key={one.precedent_id}>
            <strong>{stateWords(one.decision)}</strong> by <Visible text={one.decided_by ?? "somebody"} />
            {one.decided_at === null ? "" : `, ${one.decided_at.slice(0, 10)}`}:{" "}
            <Visible text={one.explanation} />
            {one.comparison === undefined ? null : <Compared comparison={one.comparison} />}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Compared({ comparison }: { readonly comparison: Comparison }): ReactNode {
  const { rationale, revoked_at: revokedAt, approval_id: approval, differs } = comparison;
  const told = comparison.circumstances.filter(({ before, now }) => before !== null || now !== null);
  return (
    <>
      {revokedAt === null ? null : (
        <p className="grave">This answer was taken back on {revokedAt.slice(0, 10)}.</p>
      )}
      {rationale === "" ? null : (
        <blockquote>
          <span className="who">why, in their words</span>
          <Visible text={rationale} />
        </blockquote>
      )}
      <p>
        <strong>What differs:</strong> <Visible text={differs} />
        {approval === null ? null : (
          <>
            {" "}
            <a href={hashOf({ page: "approval", id: approval })}>The question then</a>
          </>
        )}
      </p>
      {told.length === 0 && !comparison.arguments.some(isLeftOut) ? null : (
        <details>
          <summary>What was then, and what is now</summary>
          <dl>
            {told.map(({ what, before, now }) => (
              <div key={what}>
                <dt>{stateWords(what)}</dt>
                <dd>
                  <Visible text={before ?? "none"} /> → <Visible text={now ?? "none"} />
                </dd>
              </div>
            ))}
            {comparison.arguments.filter(isLeftOut).map(({ pointer, value }) => (
              <div key={pointer}>
                <dt>
                  <Visible text={pointer} />
                </dt>
                <dd>
                  <Visible text={value ?? ""} /> → none
                </dd>
              </div>
            ))}
          </dl>
        </details>
      )}
    </>
  );
}

const isLeftOut = ({ difference }: ComparedArgument): boolean => difference === "left_out";

/** In the row of a value: what the closest earlier call had in its place. */
export function Before({
  comparison,
  leaf,
}: {
  readonly comparison: Comparison;
  readonly leaf: Leaf;
}): ReactNode {
  const found = comparedAt(comparison, leaf.pointer);
  if (found === undefined) return <span className="quiet">not compared</span>;
  if (found === null) return <span className="quiet">the same</span>;
  if (found.difference === "added") return <em>none</em>;
  const by = found.origin === null ? "nobody knows whom" : ORIGIN_WORDS[found.origin];
  if (found.value === null) return <span>the same, chosen by {by}</span>;
  const { head, other, tail } = partedFrom(found.value, leaf.text);
  return (
    <>
      {/* Scrolled by keyboard as well. */}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div className="value long" tabIndex={0} role="group" aria-label="value then">
        {found.value === "" ? <em>(empty text)</em> : null}
        <Visible text={head} />
        {other === "" ? null : (
          <mark className="other">
            <Visible text={other} />
          </mark>
        )}
        <Visible text={tail} />
      </div>
      <small>
        {found.length_chars > found.value.length ? `${found.length_chars} characters in all; ` : ""}
        {found.pointer === leaf.pointer ? "" : `of ${found.pointer}; `}
        chosen by {by}
      </small>
    </>
  );
}
