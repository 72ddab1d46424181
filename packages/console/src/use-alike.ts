// Who else waits with the very same question, looked up whole, so that an answer to each can be bound to what it is now.

import type { Approval, Run, WaitingPage } from "@assent/contract";
import { useEffect, useState } from "react";
import { alikeOf, othersLike, type Standing } from "./same-question.ts";
import { useResource, useSession } from "./session.tsx";

const LOOK_MS = 5_000;

/** Answered at once; each is one request. More of them are answered after these. */
const OTHERS_MAX = 20;

export type Alike = {
  /** Empty while they are looked up, too. */
  readonly others: readonly Standing[];
  /** Why it is not known whether there are any. */
  readonly error: Error | null;
};

const NOBODY: readonly Standing[] = [];

/** @param run null: it is not known yet, and nothing is looked up */
export function useAlike(approval: Approval, run: Run | null, isOpen: boolean): Alike {
  const { client } = useSession();
  const waiting = useResource<WaitingPage>(isOpen ? "/api/harness/waiting" : null, LOOK_MS);
  const ids = isOpen
    ? othersLike(waiting.data?.data ?? [], approval.id)
        .slice(0, OTHERS_MAX)
        .map(({ approval_id: id }) => id)
        .join(" ")
    : "";
  const [found, setFound] = useState<{ readonly ids: string; readonly others: readonly Standing[] } | null>(
    null,
  );
  const [error, setError] = useState<Error | null>(null);
  useEffect(() => {
    if (ids === "") return undefined;
    const ended = new AbortController();
    const look = async (): Promise<void> => {
      const others: Standing[] = [];
      for (const id of ids.split(" ")) {
        const other = await client.get<Approval>(`/api/harness/approvals/${id}`, ended.signal);
        const of = await client.get<Run>(`/api/harness/runs/${other.run_id}`, ended.signal);
        others.push({ approval: other, run: of });
      }
      setFound({ ids, others });
      setError(null);
    };
    look().catch((failure: unknown) => {
      if (!ended.signal.aborted) setError(failure instanceof Error ? failure : new Error(String(failure)));
    });
    return () => {
      ended.abort();
    };
  }, [client, ids]);
  const others = found === null || found.ids !== ids || run === null ? NOBODY : found.others;
  return {
    others: run === null ? NOBODY : alikeOf({ approval, run }, others),
    error: waiting.error ?? error,
  };
}
