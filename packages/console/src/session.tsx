// Who is signed in, and whether the server is there: what every page asks.

import {
  createContext,
  type ReactNode,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import { type Client, createClient, Refused } from "./client.ts";

/** The key outlives a reload of this tab, and nothing else: another tab asks for it again. */
const KEPT_AS = "assent.key";

/** Longer without an answer, nothing may be decided on what is shown. */
export const STALE_MS = 30_000;

type Session = {
  readonly client: Client;
  /** True while the server has not been heard of for STALE_MS, or this tab is offline. */
  readonly isStale: boolean;
  readonly signOut: () => void;
};

const SessionContext = createContext<Session | null>(null);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (session === null) throw new Error("a page is shown to who is signed in");
  return session;
}

export function keptKey(): string | null {
  return sessionStorage.getItem(KEPT_AS);
}

export function keepKey(key: string | null): void {
  if (key === null) sessionStorage.removeItem(KEPT_AS);
  else sessionStorage.setItem(KEPT_AS, key);
}

type SessionProps = { readonly apiKey: string; readonly onSignOut: () => void; readonly children: ReactNode };

export function SessionProvider({ apiKey, onSignOut, children }: SessionProps): ReactNode {
  const [contact] = useState(createContact);
  const [isStale, setStale] = useState(false);
  const client = useMemo(() => createClient(apiKey, contact.note), [apiKey, contact]);
  useEffect(() => {
    const look = setInterval(() => {
      setStale(contact.sinceMs() > STALE_MS);
    }, 1_000);
    return () => {
      clearInterval(look);
    };
  }, [contact]);
  const session = useMemo(() => ({ client, isStale, signOut: onSignOut }), [client, isStale, onSignOut]);
  return <SessionContext value={session}>{children}</SessionContext>;
}

/** When the server was heard of last. */
function createContact(): { readonly note: () => void; readonly sinceMs: () => number } {
  let at = Date.now();
  return {
    note: () => {
      at = Date.now();
    },
    sinceMs: () => Date.now() - at,
  };
}

export type Resource<T> = {
  readonly data: T | null;
  readonly error: Error | null;
  readonly reload: () => void;
};

/**
 * What is at a path, asked again every so often while the tab is looked at.
 * @param path null: nothing is asked
 */
export function useResource<T>(path: string | null, everyMs: number): Resource<T> {
  const { client, signOut } = useSession();
  const [held, setHeld] = useState<{ readonly path: string; readonly data: T } | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const lookNow = useRef<() => void>(() => undefined);
  const reload = useCallback(() => {
    lookNow.current();
  }, []);
  useEffect(() => {
    if (path === null) return undefined;
    const ended = new AbortController();
    const look = async (): Promise<void> => {
      try {
        const data = await client.get<T>(path, AbortSignal.any([ended.signal, AbortSignal.timeout(20_000)]));
        if (ended.signal.aborted) return;
        setHeld({ path, data });
        setError(null);
      } catch (failure) {
        if (ended.signal.aborted) return;
        if (failure instanceof Refused && failure.problem.status === 401) signOut();
        setError(failure instanceof Error ? failure : new Error(String(failure)));
      }
    };
    lookNow.current = () => void look();
    void look();
    const again = setInterval(() => {
      if (document.visibilityState === "visible") void look();
    }, everyMs);
    return () => {
      ended.abort();
      clearInterval(again);
    };
  }, [client, path, everyMs, signOut]);
  return { data: held !== null && held.path === path ? held.data : null, error, reload };
}

/** The time, told anew every second. */
export function useNow(): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const tick = setInterval(() => {
      setNow(Date.now());
    }, 1_000);
    return () => {
      clearInterval(tick);
    };
  }, []);
  return now;
}
