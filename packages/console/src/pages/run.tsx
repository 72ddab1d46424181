// One run as its journal tells it: what the model was asked, what it wanted to do, who decided, what came of it.

import type { Artifact, RedriveRequest, Run, RunSummary, Step } from "@assent/contract";
import { type ReactNode, useEffect, useState } from "react";
import { AskTwice } from "../asking.tsx";
import { Because } from "../because.tsx";
import { newIdempotencyKey, Refused } from "../client.ts";
import { Failure, Loading, Page, State, Time, Visible } from "../parts.tsx";
import { hashOf } from "../places.ts";
import { useNow, useResource, useSession } from "../session.tsx";
import { stateWords } from "../words.ts";

/** Events say at once when something happened; this is for what they miss. */
const LOOK_MS = 15_000;
const ENDED = new Set(["succeeded", "failed", "cancelled", "dead_lettered"]);

export function RunPage({ id, step }: { readonly id: string; readonly step: number | null }): ReactNode {
  const { client } = useSession();
  const { data: run, error, reload } = useResource<Run>(`/api/harness/runs/${id}`, LOOK_MS);
  const isOver = run === null || ENDED.has(run.status);
  useEffect(() => {
    if (isOver) return undefined;
    const left = new AbortController();
    // A stream that ends is taken up again by the next look.
    client.events(`/api/harness/runs/${id}/events`, run.version, reload, left.signal).catch(() => undefined);
    return () => {
      left.abort();
    };
    // Only where it is another run, or this one goes on.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [client, id, isOver, reload]);
  return (
    <Page title="Run" aside={run === null ? null : <State state={run.status} />}>
      {error === null ? null : <Failure error={error} />}
      {run === null ? error === null ? <Loading /> : null : <Story run={run} step={step} onChange={reload} />}
    </Page>
  );
}

type StoryProps = { readonly run: Run; readonly step: number | null; readonly onChange: () => void };

function Story({ run, step, onChange }: StoryProps): ReactNode {
  const now = useNow();
  const open = run.approvals.filter(({ status }) => status === "open");
  return (
    <article>
      <p className="facts">
        <strong>{run.agent}</strong> with {run.model}, asked for by <Visible text={run.requested_by.name} />{" "}
        <Time at={run.created_at} now={now} /> <code>{run.id}</code>
      </p>
      <blockquote>
        <span className="who">the task</span>
        <Visible text={run.task} />
      </blockquote>
      {run.reason === null ? null : (
        <p>
          {stateWords(run.reason.code)}: <Visible text={run.reason.detail} />
        </p>
      )}
      {open.map((approval) => (
        <p key={approval.id} className="waits">
          It waits for a person:{" "}
          <a href={hashOf({ page: "approval", id: approval.id })}>
            <Visible text={approval.summary} />
          </a>
        </p>
      ))}
      {ENDED.has(run.status) ? null : <Cancel id={run.id} onChange={onChange} />}
      {run.status === "dead_lettered" ? <Redrive id={run.id} /> : null}
      <h2>Steps</h2>
      <Steps run={run} step={step} />
      {run.answer === null ? null : (
        <blockquote className="model">
          <span className="who">the agent&apos;s last words</span>
          <Visible text={run.answer} />
        </blockquote>
      )}
      <Rollback run={run} />
      <Artifacts run={run} />
    </article>
  );
}

function Cancel({ id, onChange }: { readonly id: string; readonly onChange: () => void }): ReactNode {
  const { client } = useSession();
  return (
    <AskTwice
      names={{ open: "Call it off", yes: "Yes, call it off", no: "No, let it go on" }}
      onYes={async () => {
        await client.post(`/api/harness/runs/${id}/cancel`, {}, newIdempotencyKey());
        onChange();
      }}
    />
  );
}

/** The same task again as a new run; where something of the old one stands, only by who says that they have looked. */
function Redrive({ id }: { readonly id: string }): ReactNode {
  const { client } = useSession();
  const [isStanding, setStanding] = useState(false);
  const redrive = async (body: RedriveRequest): Promise<void> => {
    try {
      const path = `/api/harness/runs/${id}/redrive`;
      const made = await client.post<RunSummary>(path, body, newIdempotencyKey());
      location.hash = hashOf({ page: "run", id: made.id, step: null });
    } catch (failure) {
      if (failure instanceof Refused && failure.problem.code === "effects_standing") setStanding(true);
      throw failure;
    }
  };
  return (
    <>
      <AskTwice
        names={{ open: "Redrive it", yes: "Yes, as a new run", no: "No, leave it" }}
        onYes={async () => {
          await redrive({});
        }}
      />
      {isStanding ? (
        <AskTwice
          names={{
            open: "Redrive it although something it did stands",
            yes: "I have looked: it may happen again",
            no: "No, leave it",
          }}
          onYes={async () => {
            await redrive({ repeat_effects: true });
          }}
        />
      ) : null}
    </>
  );
}

function Steps({ run, step }: { readonly run: Run; readonly step: number | null }): ReactNode {
  useEffect(() => {
    if (step !== null) document.querySelector(`#step-${step}`)?.scrollIntoView({ block: "center" });
  }, [step]);
  return (
    <ol className="steps" aria-label="Steps">
      {run.steps.map((one) => (
        <li key={one.seq} id={`step-${one.seq}`} className={one.seq === step ? "chosen" : ""}>
          <StepLine run={run} step={one} isOpen={one.seq === step} />
        </li>
      ))}
    </ol>
  );
}

type StepLineProps = { readonly run: Run; readonly step: Step; readonly isOpen: boolean };

function StepLine({ run, step, isOpen }: StepLineProps): ReactNode {
  const approval = run.approvals.find(({ id }) => id === step.approval_id);
  return (
    <details open={isOpen}>
      <summary>
        <span className="seq">{step.seq}</span> <span className="kind">{step.kind}</span>{" "}
        <Visible text={step.name} /> <State state={step.state} />{" "}
        {approval === undefined ? null : (
          <span className="quiet">
            {stateWords(approval.status)}
            {approval.decided_by === null ? "" : ` by ${approval.decided_by.name}`}
          </span>
        )}
        {step.compensates === undefined ? null : (
          <span className="quiet"> takes back step {step.compensates}</span>
        )}
      </summary>
      {step.decision === null ? null : (
        <p>
          {stateWords(step.decision.verdict)}:{" "}
          {step.decision.reasons.map((reason) => (
            <span key={`${reason.code} ${reason.policy ?? ""} ${reason.detail}`}>
              <Because reason={reason} />
            </span>
          ))}
        </p>
      )}
      {step.arguments === undefined ? null : (
        <>
          <h3>Arguments</h3>
          <pre className="preview">
            <Visible text={JSON.stringify(step.arguments, null, 2)} />
          </pre>
        </>
      )}
      {step.result === null ? null : (
        <>
          <h3>{step.kind === "model" ? "What the model wrote" : "Result"}</h3>
          <pre className="preview">
            <Visible text={step.result} />
          </pre>
        </>
      )}
      {step.error === null ? null : (
        <p>
          {stateWords(step.error.code)}: <Visible text={step.error.detail} />
        </p>
      )}
      <p className="quiet">
        {step.started_at}
        {step.finished_at === null ? "" : ` to ${step.finished_at}`}
        {step.effect_id === null ? null : (
          <>
            , effect <code>{step.effect_id}</code>
          </>
        )}
        {approval === undefined ? null : (
          <>
            , <a href={hashOf({ page: "approval", id: approval.id })}>the question</a>
          </>
        )}
      </p>
    </details>
  );
}

function Rollback({ run: { rollback } }: { readonly run: Run }): ReactNode {
  if (rollback === undefined) return null;
  return (
    <section aria-label="Taken back">
      <h2>Taken back</h2>
      {rollback.taken_back.length === 0 ? null : <p>Steps {rollback.taken_back.join(", ")}.</p>}
      {rollback.left.map(({ step, tool, detail }) => (
        <p key={step} className="waits">
          Step {step} ({tool}) stands, or may stand: <Visible text={detail} />
        </p>
      ))}
    </section>
  );
}

function Artifacts({ run }: { readonly run: Run }): ReactNode {
  if (run.artifacts.length === 0) return null;
  return (
    <section aria-label="Artifacts">
      <h2>Artifacts</h2>
      <ul>
        {run.artifacts.map((artifact) => (
          <li key={artifact.id}>
            <Download run={run.id} artifact={artifact} /> {artifact.size_bytes} bytes{" "}
            <code>sha256:{artifact.sha256}</code>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Download({ run, artifact }: { readonly run: string; readonly artifact: Artifact }): ReactNode {
  const { client } = useSession();
  const [error, setError] = useState<Error | null>(null);
  const download = async (): Promise<void> => {
    setError(null);
    try {
      const blob = await client.blob(`/api/harness/runs/${run}/artifacts/${encodeURIComponent(artifact.id)}`);
      const digest = await digestOf(blob);
      if (digest !== null && digest !== artifact.sha256)
        throw new Error("What came is not what the run made.");
      const url = URL.createObjectURL(blob);
      const link = document.createElement("a");
      link.href = url;
      link.download = artifact.name;
      link.click();
      URL.revokeObjectURL(url);
    } catch (failure) {
      setError(failure instanceof Error ? failure : new Error(String(failure)));
    }
  };
  return (
    <>
      <button type="button" onClick={() => void download()}>
        <Visible text={artifact.name} />
      </button>
      {error === null ? null : <Failure error={error} />}
    </>
  );
}

/** Null where the page came by plain HTTP from another machine: a browser computes none then. What to compare stands beside. */
async function digestOf(blob: Blob): Promise<string | null> {
  if (!isSecureContext) return null;
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", await blob.arrayBuffer()));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
