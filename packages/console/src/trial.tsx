// Other rules, tried on what was decided. It publishes nothing, and says so.

import type { PolicySet, PolicyTrial } from "@assent/contract";
import { type ReactNode, type RefObject, useRef, useState } from "react";
import { useAttempt } from "./asking.tsx";
import { newIdempotencyKey } from "./client.ts";
import { Failure, Time, Visible } from "./parts.tsx";
import { hashOf } from "./places.ts";
import { useNow, useSession } from "./session.tsx";
import { placeInText } from "./text-place.ts";
import { shortId, stateWords } from "./words.ts";

/** As the server takes them. */
const [TEXT_CHARS_MAX, DAYS_MAX] = [128 * 1024, 90];
const DAYS_USUAL = 7;
const ROWS = 14;

type Draft = { readonly text: string; readonly days: number };

export function Trial({ set }: { readonly set: PolicySet }): ReactNode {
  const { client } = useSession();
  const { error, isSending, send } = useAttempt();
  const [draft, setDraft] = useState<Draft>({ text: "", days: DAYS_USUAL });
  // Of the very text and days that stand in the fields.
  const [tried, setTried] = useState<PolicyTrial | null>(null);
  const field = useRef<HTMLTextAreaElement>(null);
  const tryIt = async (): Promise<void> => {
    setTried(null);
    setTried(await client.post<PolicyTrial>("/api/harness/policies/trial", draft, newIdempotencyKey()));
  };
  return (
    <section aria-label="Try other rules">
      <h2>Try other rules</h2>
      <p className="quiet">
        On what was decided in the last days: which calls would have been decided otherwise. It publishes
        nothing: rules are files that the server reads when it starts (<code>policies</code> in its
        configuration).
      </p>
      <Fields
        set={set}
        draft={draft}
        field={field}
        isWrong={tried?.loads === false}
        isSending={isSending}
        onChange={(next) => {
          setDraft(next);
          setTried(null);
        }}
        onTry={() => {
          void send(tryIt);
        }}
      />
      {error === null ? null : <Failure error={error} />}
      <p role="status">
        {isSending ? "Trying …" : tried?.loads === true ? summaryOf(tried, draft.days) : ""}
      </p>
      {tried === null ? null : tried.loads ? (
        <Changes tried={tried} />
      ) : (
        <Fault fault={tried.fault} text={draft.text} field={field} />
      )}
    </section>
  );
}

type FieldsProps = {
  readonly set: PolicySet;
  readonly draft: Draft;
  readonly field: RefObject<HTMLTextAreaElement | null>;
  readonly isWrong: boolean;
  readonly isSending: boolean;
  readonly onChange: (draft: Draft) => void;
  readonly onTry: () => void;
};

function Fields({ set, draft, field, isWrong, isSending, onChange, onTry }: FieldsProps): ReactNode {
  const { isStale } = useSession();
  return (
    <form
      className="trial"
      onSubmit={(event) => {
        event.preventDefault();
        onTry();
      }}
    >
      <label>
        The whole set, in Cedar, as it would be in the place of the loaded one
        <textarea
          ref={field}
          rows={ROWS}
          value={draft.text}
          required
          // While it is tried, what is said of it is of this text; so it stays this one.
          readOnly={isSending}
          maxLength={TEXT_CHARS_MAX}
          spellCheck={false}
          aria-invalid={isWrong}
          onChange={(event) => {
            onChange({ ...draft, text: event.target.value });
          }}
        />
      </label>
      <button
        type="button"
        disabled={isSending}
        onClick={() => {
          onChange({ ...draft, text: set.rules.map((rule) => rule.text.trim()).join("\n\n") });
        }}
      >
        Begin with the loaded rules
      </button>
      <label>
        The last{" "}
        <input
          type="number"
          min={1}
          max={DAYS_MAX}
          value={draft.days}
          readOnly={isSending}
          onChange={(event) => {
            const days = Math.trunc(Number(event.target.value)) || 1;
            onChange({ ...draft, days: Math.min(DAYS_MAX, Math.max(1, days)) });
          }}
        />{" "}
        days
      </label>
      <button type="submit" className="approve" disabled={isStale || isSending || draft.text.trim() === ""}>
        Try them
      </button>
    </form>
  );
}

type Loaded = Extract<PolicyTrial, { loads: true }>;
type Refused = Extract<PolicyTrial, { loads: false }>;

function summaryOf(tried: Loaded, days: number): string {
  const others = tried.changes.length + tried.changes_more;
  const which = tried.complete
    ? `${tried.judged} decisions of the last ${days} days`
    : `The newest ${tried.judged} decisions of the last ${days} days (there are more than one trial judges)`;
  return `These ${tried.rules} rules load. ${which}: ${others} would be others, ${tried.other_reasons} the same for other reasons, ${tried.unchanged} unchanged. Nothing was changed.`;
}

type FaultProps = {
  readonly fault: Refused["fault"];
  readonly text: string;
  readonly field: RefObject<HTMLTextAreaElement | null>;
};

function Fault({ fault: { code, line, column, detail }, text, field }: FaultProps): ReactNode {
  const place = line === null ? null : placeInText(text, line);
  return (
    <div className="failure" role="alert">
      <strong>
        These rules would not load{line === null ? "" : `: line ${line}, column ${column ?? 1}`}.
      </strong>{" "}
      <Visible text={detail} /> <small>{code}</small>
      {place === null ? null : (
        <>
          <pre className="preview">
            <Visible text={text.slice(place.start, place.end)} />
          </pre>
          <button
            type="button"
            onClick={() => {
              field.current?.focus();
              field.current?.setSelectionRange(place.start, place.end);
            }}
          >
            Go to the line
          </button>
        </>
      )}
    </div>
  );
}

function Changes({ tried: { changes, changes_more: more } }: { readonly tried: Loaded }): ReactNode {
  const now = useNow();
  if (changes.length === 0) return null;
  return (
    <table className="list">
      <caption>
        Decisions that would be others, newest first
        {more === 0 ? "" : `; ${more} more are not listed`}
      </caption>
      <thead>
        <tr>
          <th scope="col">Call</th>
          <th scope="col">Was</th>
          <th scope="col">Would be</th>
          <th scope="col">When</th>
        </tr>
      </thead>
      <tbody>
        {changes.map(({ run_id: run, step, tool, at, before, after }) => (
          <tr key={`${run} ${step}`}>
            <th scope="row">
              <a href={hashOf({ page: "run", id: run, step })}>
                <Visible text={tool} />
              </a>{" "}
              <small>
                {shortId(run)}, step {step}
              </small>
            </th>
            <td>
              <Ruled ruled={before} />
            </td>
            <td>
              <Ruled ruled={after} />
            </td>
            <td>
              <Time at={at} now={now} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Ruled({ ruled }: { readonly ruled: Loaded["changes"][number]["before"] }): ReactNode {
  return (
    <>
      <strong>{stateWords(ruled.verdict)}</strong> <small>{ruled.policies.join(", ")}</small>
    </>
  );
}
