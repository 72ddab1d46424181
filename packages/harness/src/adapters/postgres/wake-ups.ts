// Says that a run may be waiting, that one was called off, and that a person answered one that is driven from outside: at
// once within this process, to others by NOTIFY. A hint and no more: who looks for runs, holds one, or waits for one also
// looks from time to time by himself, so a hint that is lost makes a run late, never lost.

import { idFromUuid, type RunId, uuidOf } from "@assent/contract";
import type { Pool } from "pg";
import type { Log, WakeUps } from "../../ports.ts";

const WAKE_UP_CHANNEL = "assent_run_queued";
/** With the run's UUID. */
const CALL_OFF_CHANNEL = "assent_run_called_off";

/** With the run's UUID. */
const ANSWER_CHANNEL = "assent_run_answered";

/** What a connection has to say first to hear of answers, which is all that a server without a worker waits for. */
export const LISTEN_TO_ANSWERS: string = `listen ${ANSWER_CHANNEL}`;
/** What a connection has to say first to hear of everything. */
export const LISTEN: string = `listen ${WAKE_UP_CHANNEL}; listen ${CALL_OFF_CHANNEL}; ${LISTEN_TO_ANSWERS}`;

/** What is heard on such a connection. Anybody who may log in can say anything there. */
export function hear(
  { channel, payload = "" }: { readonly channel: string; readonly payload?: string | undefined },
  heard: Heard,
): void {
  if (channel === WAKE_UP_CHANNEL) heard.onWakeUp();
  else if (UUID.test(payload)) {
    const run = idFromUuid("run", payload);
    if (channel === CALL_OFF_CHANNEL) heard.onCallOff(run);
    else if (channel === ANSWER_CHANNEL) heard.onAnswer(run);
  }
}

export type Heard = {
  /** Another process queued a run, or it may have done so while nobody listened. */
  readonly onWakeUp: () => void;
  /** Another process took that run from whoever holds it; null: it may have taken any. */
  readonly onCallOff: (run: RunId | null) => void;
  /** A person answered that run by another process; null: any may have been. */
  readonly onAnswer: (run: RunId | null) => void;
};

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/u;

/**
 * A NOTIFY inside the transaction that queues would make commits wait for each other: Postgres holds one lock for all
 * of them until the commit is on disk. So it is sent after the commit, on its own, where it costs no disk write; and
 * of many that would go out at the same time one is enough.
 */
export function createWakeUps(
  pool: Pool,
  log: Log,
): WakeUps & {
  /** Another process says so. */
  readonly heard: Heard;
} {
  const holders = new Set<(run: RunId | null) => boolean>();
  const waiters = new Set<(run: RunId | null) => void>();
  const listeners = new Set<(from: "here" | "elsewhere") => boolean>();
  let sending = false;
  let again = false;

  const tell = async (channel: string, what: string, untold: string): Promise<void> => {
    try {
      await pool.query("select pg_notify($1, $2)", [channel, what]);
    } catch (error) {
      log("info", `${untold}; they will look by themselves`, {
        error: error instanceof Error ? error.message : "unknown",
      });
    }
  };

  const tellOthers = async (): Promise<void> => {
    do {
      again = false;
      await tell(WAKE_UP_CHANNEL, "", "other processes were not told of a queued run");
    } while (again);
    sending = false;
  };

  return {
    ring(): void {
      // Whoever of us has a free hand takes it; nobody else need be woken.
      for (const listener of listeners) if (listener("here")) return;
      again = true;
      if (sending) return;
      sending = true;
      void tellOthers();
    },
    heard: {
      onWakeUp: () => {
        for (const listener of listeners) listener("elsewhere");
      },
      onCallOff: (run) => {
        for (const holder of holders) holder(run);
      },
      onAnswer: (run) => {
        for (const waiter of waiters) waiter(run);
      },
    },
    callOff(run): void {
      for (const holder of holders) if (holder(run)) return;
      void tell(CALL_OFF_CHANNEL, uuidOf(run), "other processes were not told of a run that was called off");
    },
    answered(run): void {
      void tell(ANSWER_CHANNEL, uuidOf(run), "other processes were not told of a person's answer");
    },
    listenToAnswers(listener): () => void {
      waiters.add(listener);
      return () => void waiters.delete(listener);
    },
    listenToCallOffs(listener): () => void {
      holders.add(listener);
      return () => void holders.delete(listener);
    },
    listen(listener): () => void {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
