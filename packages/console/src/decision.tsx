// The verbs under an approval, the reason, and how long the answer is good for.

import type { Approval } from "@assent/contract";
import type { ReactNode } from "react";
import { AnswerTogether, type Together } from "./alike.tsx";
import { type Deciding, type Offered, type Told, useDeciding } from "./deciding.ts";
import { useKeys } from "./keys.ts";
import { isYesMemorable } from "./leaves.ts";
import { Failure } from "./parts.tsx";
import { useNow, useSession } from "./session.tsx";
import { isAboutLostCopy, verbsOf } from "./verbs.ts";

type DecisionProps = {
  readonly approval: Approval;
  readonly offered: Offered;
  readonly together: Together;
  readonly told: Told;
};

export function Decision({ approval, offered, together, told }: DecisionProps): ReactNode {
  const deciding = useDeciding(approval, offered, told);
  const { reason, reasonField, remembered, counting, isSending, choose, undo } = deciding;
  useKeys({
    a: () => {
      choose("approve");
    },
    d: () => {
      choose("deny");
    },
    r: () => reasonField.current?.focus(),
    u: undo,
    Escape: undo,
  });
  return (
    <section className="decision" aria-label="Decision">
      {deciding.error === null ? null : <Failure error={deciding.error} />}
      <div className="about">
        <label>
          Reason <small>(a no needs one; kept with the decision)</small>
          <textarea
            ref={reasonField}
            rows={1}
            maxLength={2_000}
            value={reason}
            disabled={counting !== null || isSending}
            onChange={(event) => {
              deciding.setReason(event.target.value);
            }}
          />
        </label>
        {approval.subject === "action" ? (
          <div>
            <AnswerTogether together={together} isDisabled={counting !== null || isSending} />
            <Remember
              approval={approval}
              remembered={remembered}
              refused={whyNotForGood(offered)}
              onChange={deciding.setRemembered}
            />
          </div>
        ) : null}
      </div>
      <Verbs approval={approval} offered={offered} deciding={deciding} />
    </section>
  );
}

function whyNotForGood({ edited, alike }: Offered): string | null {
  if (edited !== null) return "A yes to a changed call is good for it alone, and is not remembered.";
  return alike.length > 0 ? "An answer to several is good for these alone, and is not remembered." : null;
}

type VerbsProps = Pick<DecisionProps, "approval" | "offered"> & { readonly deciding: Deciding };

function Verbs({ approval, offered: { held, edited, alike }, deciding }: VerbsProps): ReactNode {
  const { counting, isSending, choose, undo } = deciding;
  const { isStale } = useSession();
  const now = useNow();
  // What was chosen is told as it was, whoever came or went since.
  const verbs = verbsOf(approval, edited !== null, 1 + (counting?.alike ?? alike).length);
  const chosen = verbs.find(({ verb }) => verb === counting?.verb);
  return (
    <div className="verbs">
      {counting === null ? (
        verbs.map(({ verb, name, key }) => (
          <button
            key={verb}
            type="button"
            className={verb}
            disabled={isSending || isStale}
            aria-describedby="verb-hint"
            onClick={() => {
              choose(verb);
            }}
          >
            {name} {key === null ? null : <kbd>{key}</kbd>}
          </button>
        ))
      ) : (
        <button type="button" className="undo" onClick={undo}>
          Undo: {chosen?.name} in {Math.max(0, Math.ceil((counting.until - now) / 1_000))} s <kbd>u</kbd>
        </button>
      )}
      <span id="verb-hint" className="hint" role="status">
        {hintOf({ ...deciding, held, isStale, approval })}
      </span>
    </div>
  );
}

type RememberProps = {
  readonly approval: Approval;
  readonly remembered: Deciding["remembered"];
  /** Why it cannot be; null: it may. */
  readonly refused: string | null;
  readonly onChange: (remembered: Deciding["remembered"]) => void;
};

function Remember({ approval, remembered: { isOn, days }, refused, onChange }: RememberProps): ReactNode {
  if (refused !== null) return <small>{refused}</small>;
  return (
    <fieldset>
      <legend>What it is good for</legend>
      <label>
        <input
          type="checkbox"
          checked={isOn}
          onChange={(event) => {
            onChange({ isOn: event.target.checked, days });
          }}
        />
        The same answer to exactly this question, for{" "}
        <input
          type="number"
          min={1}
          max={3_650}
          value={days}
          aria-label="days"
          onChange={(event) => {
            onChange({
              isOn,
              days: Math.min(3_650, Math.max(1, Math.trunc(Number(event.target.value)) || 1)),
            });
          }}
        />{" "}
        days
      </label>
      {isOn && !isYesMemorable(approval) ? (
        <small>A yes that spends, destroys, or goes where untrusted text said is good once only.</small>
      ) : null}
      {isOn ? null : <small>For this one call.</small>}
    </fieldset>
  );
}

function hintOf({
  hint,
  held,
  isSending,
  isStale,
  counting,
  approval,
}: Deciding & {
  readonly held: string | null;
  readonly isStale: boolean;
  readonly approval: Approval;
}): string {
  if (isSending) return "Sent; waiting for its receipt …";
  if (counting !== null) return "Nothing is sent yet.";
  if (isStale) return "The server is not heard of: nothing can be decided on what may be old.";
  if (hint !== null) return hint;
  if (held !== null) return held;
  if (isAboutLostCopy(approval)) return "The run's copy of its workspace is lost. How is it to go on?";
  return approval.subject === "in_doubt" ? "The call was made and a crash hid its outcome." : "";
}
