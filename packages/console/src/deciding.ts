// How a decision is made: a click begins five seconds in which it can be taken back; only then is it sent, with the digest of what
// was shown, so that nothing else can be agreed to. The same answer to others goes with it, each by a request of its own.

import type { Approval, ApproveRequest } from "@assent/contract";
import { type RefObject, useCallback, useEffect, useRef, useState } from "react";
import { type Client, newIdempotencyKey, Unreachable } from "./client.ts";
import { useSession } from "./session.tsx";
import type { Verb } from "./verbs.ts";

/** In which a click can be taken back. */
const UNDO_MS = 5_000;
/** After another question came up, a click that was meant for the one before does nothing. */
const DEAD_MS = 600;
const REMEMBER_DAYS = 90;

type Counting = {
  readonly verb: Verb;
  readonly body: ApproveRequest;
  /** The same word on those that ask the same. */
  readonly alike: readonly { readonly approval: Approval; readonly body: ApproveRequest }[];
  readonly until: number;
  /** Of the call as it was shown then. */
  readonly edition: number;
};

/** What a yes would be to. */
export type Offered = {
  /** Why none can be given yet; null where it can. */
  readonly held: string | null;
  /** What is carried out in place of what was asked about; null: just that. */
  readonly edited: Readonly<Record<string, unknown>> | null;
  /** Another whenever something was changed in it, also where that was taken back. */
  readonly edition: number;
  /** Others that ask the same, and are given the same answer; empty where that is not wanted. */
  readonly alike: readonly Approval[];
};

/** What came of the same answer to another one: the server's word on it, or why there is none; null: it was not sent. */
export type Outcome = { readonly approval: Approval; readonly answer: Approval | Error | null };

export type Deciding = {
  readonly reason: string;
  readonly reasonField: RefObject<HTMLTextAreaElement | null>;
  /** For how many days the answer is given again, where that is wanted. */
  readonly remembered: { readonly isOn: boolean; readonly days: number };
  /** What is sent when its time has come; null where nothing was chosen, or it was taken back. */
  readonly counting: Counting | null;
  readonly isSending: boolean;
  readonly error: Error | null;
  /** Why the last choice was none. */
  readonly hint: string | null;
  readonly setReason: (reason: string) => void;
  readonly setRemembered: (remembered: Deciding["remembered"]) => void;
  readonly choose: (verb: Verb) => void;
  readonly undo: () => void;
};

export type Told = {
  /** Of the server's answer. */
  readonly onDecided: (approval: Approval) => void;
  /** Of what came of the others, each by itself; before the call that was shown is told of. */
  readonly onAlike: (outcomes: readonly Outcome[]) => void;
};

export function useDeciding(
  approval: Approval,
  { held, edited, edition, alike }: Offered,
  told: Told,
): Deciding {
  const { isStale } = useSession();
  const [reason, setReason] = useState("");
  const [remembered, setRemembered] = useState({ isOn: false, days: REMEMBER_DAYS });
  const [chosen, setChosen] = useState<Counting | null>(null);
  // What was chosen before a change was to another call than the one that is shown now.
  const counting = chosen?.edition === edition ? chosen : null;
  const [hint, setHint] = useState<string | null>(null);
  const reasonField = useRef<HTMLTextAreaElement>(null);
  const [shownAt] = useState(() => performance.now());
  const clear = useCallback(() => {
    setChosen(null);
  }, []);
  const { isSending, error, send } = useSending(clear, told);
  useCountdown(counting, send);

  const refuse = (why: string): void => {
    setHint(why);
  };
  const choose = (verb: Verb): void => {
    if (counting !== null || isSending || isStale || performance.now() - shownAt < DEAD_MS) return;
    if (verb !== "approve" && reason.trim() === "") {
      refuse(
        verb === "deny"
          ? "A no needs its reason: the agent is told it."
          : "Say what is known of the outcome.",
      );
      reasonField.current?.focus();
      return;
    }
    if (verb === "approve" && held !== null) {
      refuse(held);
      return;
    }
    setHint(null);
    const isForGood = remembered.isOn && edited === null && alike.length === 0;
    setChosen({
      verb,
      body: bodyOf(approval, verb, reason.trim(), { days: isForGood ? remembered.days : null, edited }),
      alike: alike.map((other) => ({
        approval: other,
        body: bodyOf(other, verb, reason.trim(), { days: null, edited: null }),
      })),
      until: Date.now() + UNDO_MS,
      edition,
    });
  };
  return {
    reason,
    reasonField,
    remembered,
    counting,
    isSending,
    error,
    hint,
    setReason: (text) => {
      setReason(text);
      setHint(null);
    },
    setRemembered,
    choose,
    undo: clear,
  };
}

type Sending = {
  readonly isSending: boolean;
  readonly error: Error | null;
  readonly send: (counting: Counting) => Promise<void>;
};

function useSending(clear: () => void, { onDecided, onAlike }: Told): Sending {
  const { client } = useSession();
  const [isSending, setSending] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const send = useCallback(
    async ({ body, alike }: Counting): Promise<void> => {
      clear();
      setSending(true);
      setError(null);
      const [own, ...others] = await answerAll(client, [body, ...alike.map((other) => other.body)]);
      onAlike(alike.flatMap(({ approval }, at) => ({ approval, answer: others[at] ?? null })));
      if (own instanceof Error) setError(own);
      else if (own !== undefined) onDecided(own);
      setSending(false);
    },
    [clear, client, onDecided, onAlike],
  );
  return { isSending, error, send };
}

/** One after the other. What is refused of one says nothing of the next; where nobody answers, nobody is asked on. */
async function answerAll(
  client: Client,
  bodies: readonly ApproveRequest[],
): Promise<readonly (Approval | Error)[]> {
  const answers: (Approval | Error)[] = [];
  for (const body of bodies) {
    const answer = await client
      .post<Approval>("/api/harness/approve", body, newIdempotencyKey())
      .catch((failure: unknown) => (failure instanceof Error ? failure : new Error(String(failure))));
    answers.push(answer);
    if (answer instanceof Unreachable) break;
  }
  return answers;
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

type Terms = {
  /** For how many days it is remembered; null: it is not. */
  readonly days: number | null;
  readonly edited: Readonly<Record<string, unknown>> | null;
};

function bodyOf(approval: Approval, verb: Verb, reason: string, { days, edited }: Terms): ApproveRequest {
  const remembered = days === null ? {} : { remember: true as const, remember_days: days };
  const named = { approval_id: approval.id, action_digest: approval.action_digest };
  if (verb === "deny") return { approval_id: approval.id, decision: "deny", comment: reason, ...remembered };
  if (verb === "confirm") return { ...named, decision: "confirm", comment: reason };
  return {
    ...named,
    decision: "approve",
    ...(edited === null ? {} : { arguments: edited }),
    ...(reason === "" ? {} : { comment: reason }),
    ...remembered,
  };
}
