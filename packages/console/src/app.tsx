// The frame: who is signed in, where one is, and the keys that lead elsewhere.

import { type ReactNode, useCallback, useEffect, useState } from "react";
import { type KeyMap, useKeys } from "./keys.ts";
import { AccessPage } from "./pages/access.tsx";
import { ApprovalPage } from "./pages/approval.tsx";
import { AuditPage } from "./pages/audit.tsx";
import { EscalationsPage } from "./pages/escalations.tsx";
import { HealthPage } from "./pages/health.tsx";
import { InboxPage } from "./pages/inbox.tsx";
import { PrecedentsPage } from "./pages/precedents.tsx";
import { QualityPage } from "./pages/quality.tsx";
import { RulesPage } from "./pages/rules.tsx";
import { RunPage } from "./pages/run.tsx";
import { RunsPage } from "./pages/runs.tsx";
import { SettingsPage } from "./pages/settings.tsx";
import { SignInPage } from "./pages/sign-in.tsx";
import { WebhookPage } from "./pages/webhook.tsx";
import { WebhooksPage } from "./pages/webhooks.tsx";
import { hashOf, PAGES, PAGES_OF_ONE, type Place, placeOf, placeOfPage } from "./places.ts";
import { keepKey, keptKey, SessionProvider, useSession } from "./session.tsx";

export function App(): ReactNode {
  const [key, setKey] = useState(keptKey);
  const signIn = useCallback((given: string) => {
    keepKey(given);
    setKey(given);
  }, []);
  const signOut = useCallback(() => {
    keepKey(null);
    setKey(null);
  }, []);
  if (key === null) return <SignInPage onKey={signIn} />;
  return (
    <SessionProvider apiKey={key} onSignOut={signOut}>
      <Frame />
    </SessionProvider>
  );
}

function usePlace(): Place {
  const [place, setPlace] = useState(() => placeOf(location.hash));
  useEffect(() => {
    const moved = (): void => {
      setPlace(placeOf(location.hash));
      // Whoever listens to the page is told of the new one; keys go on from its beginning.
      document.querySelector<HTMLElement>("#main")?.focus();
    };
    window.addEventListener("hashchange", moved);
    return () => {
      window.removeEventListener("hashchange", moved);
    };
  }, []);
  return place;
}

const goTo = (page: (typeof PAGES)[number]["page"]): void => {
  location.hash = hashOf(placeOfPage(page));
};

function Frame(): ReactNode {
  const { isStale, signOut } = useSession();
  const place = usePlace();
  const [isHelpOpen, setHelpOpen] = useState(false);
  const chords: KeyMap = Object.fromEntries(
    PAGES.map(({ page, key }) => [
      `g ${key}`,
      () => {
        goTo(page);
      },
    ]),
  );
  useKeys({
    ...chords,
    "?": () => {
      setHelpOpen(!isHelpOpen);
    },
  });
  return (
    <>
      <a className="skip" href="#main" onClick={(event) => skip(event)}>
        To the page
      </a>
      <header className="bar">
        <span className="brand">Assent</span>
        <nav aria-label="Pages">
          {PAGES.map(({ page, name, key }) => (
            <a
              key={page}
              href={hashOf(placeOfPage(page))}
              aria-current={isUnder(place, page) ? "page" : undefined}
              title={`g ${key}`}
            >
              {name}
            </a>
          ))}
        </nav>
        <button
          type="button"
          onClick={() => {
            setHelpOpen(!isHelpOpen);
          }}
          aria-expanded={isHelpOpen}
        >
          Keys
        </button>
        <button type="button" onClick={signOut}>
          Sign out
        </button>
      </header>
      {isStale ? (
        <div className="stale" role="alert">
          The server is not heard of. What is shown may be old, so nothing can be decided.
        </div>
      ) : null}
      {isHelpOpen ? <Help /> : null}
      <PageOf place={place} />
    </>
  );
}

// The place stands behind the `#`, so a link to the page's own part would lead away.
function skip(event: { preventDefault: () => void }): void {
  event.preventDefault();
  document.querySelector<HTMLElement>("#main")?.focus();
}

const isUnder = (place: Place, page: string): boolean =>
  place.page === page || PAGES_OF_ONE.some((one) => one.page === place.page && one.under === page);

function PageOf({ place }: { readonly place: Place }): ReactNode {
  if (place.page === "approval") return <ApprovalPage key={place.id} id={place.id} />;
  if (place.page === "runs") return <RunsPage key={place.status} status={place.status} />;
  if (place.page === "escalations") return <EscalationsPage key={place.status} status={place.status} />;
  if (place.page === "rules") return <RulesPage rule={place.rule} />;
  if (place.page === "run") return <RunPage key={place.id} id={place.id} step={place.step} />;
  if (place.page === "webhook")
    return <WebhookPage key={`${place.id} ${place.status}`} id={place.id} status={place.status} />;
  return {
    inbox: <InboxPage />,
    precedents: <PrecedentsPage />,
    audit: <AuditPage />,
    access: <AccessPage />,
    webhooks: <WebhooksPage />,
    quality: <QualityPage />,
    health: <HealthPage />,
    settings: <SettingsPage />,
  }[place.page];
}

const HELP = [
  ["j, k, Enter", "next, the one before, open it"],
  ["a", "approve once"],
  ["d", "deny (with a reason)"],
  ["r", "write the reason"],
  ["u, Esc", "take it back, within five seconds"],
  ["/", "search, among the runs"],
  ...PAGES.map(({ key, name }) => [`g ${key}`, name] as const),
] as const;

function Help(): ReactNode {
  return (
    <section className="help" aria-label="Keys">
      <dl>
        {HELP.map(([keys, what]) => (
          <div key={keys}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
