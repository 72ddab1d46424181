// The verbs under an approval. A click begins five seconds in which it can be taken back; only then is it sent, with the digest of
// what was shown, so that nothing else can be agreed to.

import type { Approval, ApproveRequest } from "@assent/contract";
import { type ReactNode, useCallback, useEffect, useRef, useState } from "react";
import { useKeys } from "./keys.ts";
import { isYesMemorable } from "./leaves.ts";
import { Failure } from "./parts.tsx";
import { useNow, useSession } from "./session.tsx";
import { isAboutLostCopy, verbsOf, type Verb } from "./verbs.ts";

/** In which a click can be taken back. */
const UNDO_MS = 5_000;
/** After another question came up, a click that was meant for the one before does nothing. */
const DEAD_MS = 600;
const REMEMBER_DAYS = 90;

type Counting = { readonly verb: Verb; readonly body: ApproveRequest; readonly until: number };

type DecisionProps = {
  readonly approval: Approval;
  /** Why no yes can be given yet; null where it can. */
  readonly held: string | null;
  readonly onDecided: (approval: Approval) => void;
};

export function Decision({ approval, held, onDecided }: DecisionProps): ReactNode {
  const { client, isStale } = useSession();
  const now = useNow();
  const [reason, setReason] = useState("");
  const [isRemembered, setRemembered] = useState(false);
  const [days, setDays] = useState(REMEMBER_DAYS);
  const [counting, setCounting] = useState<Counting | null>(null);
  const [isSending, setSending] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const [hint, setHint] = useState<string | null>(null);
  const reasonField = useRef<HTMLTextAreaElement>(null);
  const shownAt = useRef(performance.now());

  const send = useCallback(
    async ({ body }: Counting): Promise<void> => {
      setCounting(null);
      setSending(true);
      setError(null);
      try {
        // A repeat after a lost answer is told what the first one decided.
        onDecided(await client.post<Approval>("/api/harness/approve", body, crypto.randomUUID()));
      } catch (failure) {
        setError(failure instanceof Error ? failure : new Error(String(failure)));
      } finally {
        setSending(false);
      }
    },
    [client, onDecided],
  );
  useCountdown(counting, send);

  const choose = (verb: Verb): void => {
    if (counting !== null || isSending || isStale || performance.now() - shownAt.current < DEAD_MS) return;
    const needsReason = verb !== "approve";
    if (needsReason && reason.trim() === "") {
      setHint(
        verb === "deny"
          ? "A no needs its reason: the agent is told it."
          : "Say what is known of the outcome.",
      );
      reasonField.current?.focus();
      return;
    }
    if (verb === "approve" && held !== null) {
      setHint(held);
      return;
    }
    setHint(null);
    const body = bodyOf(approval, verb, reason.trim(), isRemembered ? days : null);
    setCounting({ verb, body, until: Date.now() + UNDO_MS });
  };
  const undo = (): void => {
    setCounting(null);
  };
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

  const verbs = verbsOf(approval);
  const canRemember = approval.subject === "action";
  return (
    <section className="decision" aria-label="Decision">
      {error === null ? null : <Failure error={error} />}
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
              setReason(event.target.value);
              setHint(null);
            }}
          />
        </label>
        {canRemember ? (
          <Remember
            approval={approval}
            isOn={isRemembered}
            days={days}
            onChange={(isOn, forDays) => {
              setRemembered(isOn);
              setDays(forDays);
            }}
          />
        ) : null}
      </div>
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
            Undo: {nameOf(verbs, counting.verb)} in {Math.max(0, Math.ceil((counting.until - now) / 1_000))} s{" "}
            <kbd>u</kbd>
          </button>
        )}
        <span id="verb-hint" className="hint" role="status">
          {hintOf({ hint, held, isSending, isStale, isCounting: counting !== null, approval })}
        </span>
      </div>
    </section>
  );
}

function useCountdown(counting: Counting | null, send: (counting: Counting) => Promise<void>): void {
  useEffect(() => {
    if (counting === null) return undefined;
    const due = setTimeout(() => void send(counting), counting.until - Date.now());
    // Who leaves now has decided nothing: the browser asks once more.
    const leaving = (event: BeforeUnloadEvent): void => {
      event.preventDefault();
    };
    window.addEventListener("beforeunload", leaving);
    return () => {
      clearTimeout(due);
      window.removeEventListener("beforeunload", leaving);
    };
  }, [counting, send]);
}

type RememberProps = {
  readonly approval: Approval;
  readonly isOn: boolean;
  readonly days: number;
  readonly onChange: (isOn: boolean, days: number) => void;
};

function Remember({ approval, isOn, days, onChange }: RememberProps): ReactNode {
  return (
    <fieldset>
      <legend>What it is good for</legend>
      <label>
        <input
          type="checkbox"
          checked={isOn}
          onChange={(event) => {
            onChange(event.target.checked, days);
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
            onChange(isOn, Math.min(3_650, Math.max(1, Math.trunc(Number(event.target.value)) || 1)));
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

function bodyOf(approval: Approval, verb: Verb, reason: string, days: number | null): ApproveRequest {
  const remembered = days === null ? {} : { remember: true as const, remember_days: days };
  const named = { approval_id: approval.id, action_digest: approval.action_digest };
  if (verb === "deny") return { approval_id: approval.id, decision: "deny", comment: reason, ...remembered };
  if (verb === "confirm") return { ...named, decision: "confirm", comment: reason };
  return { ...named, decision: "approve", ...(reason === "" ? {} : { comment: reason }), ...remembered };
}

const nameOf = (verbs: ReturnType<typeof verbsOf>, verb: Verb): string =>
  verbs.find((one) => one.verb === verb)?.name ?? verb;

function hintOf(told: {
  readonly hint: string | null;
  readonly held: string | null;
  readonly isSending: boolean;
  readonly isStale: boolean;
  readonly isCounting: boolean;
  readonly approval: Approval;
}): string {
  if (told.isSending) return "Sent; waiting for its receipt …";
  if (told.isCounting) return "Nothing is sent yet.";
  if (told.isStale) return "The server is not heard of: nothing can be decided on what may be old.";
  if (told.hint !== null) return told.hint;
  if (told.held !== null) return told.held;
  if (isAboutLostCopy(told.approval)) return "The run's copy of its workspace is lost. How is it to go on?";
  if (told.approval.subject === "in_doubt") return "The call was made and a crash hid its outcome.";
  return "";
}
