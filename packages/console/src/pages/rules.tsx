// What every call meets before anything happens: the rules that the server has loaded.

import type { PolicySet } from "@assent/contract";
import { type ReactNode, useEffect } from "react";
import { Failure, Loading, Page, Visible } from "../parts.tsx";
import { useResource } from "../session.tsx";
import { Trial } from "../trial.tsx";
import { duration } from "../words.ts";

const LOOK_MS = 60_000;

/** @param rule the one that is looked for */
export function RulesPage({ rule }: { readonly rule: string | null }): ReactNode {
  const { data, error } = useResource<PolicySet>("/api/harness/policies", LOOK_MS);
  return (
    <Page title="Rules">
      {error === null ? null : <Failure error={error} />}
      {data === null ? error === null ? <Loading /> : null : <Rules set={data} chosen={rule} />}
    </Page>
  );
}

function Rules({ set, chosen }: { readonly set: PolicySet; readonly chosen: string | null }): ReactNode {
  useEffect(() => {
    if (chosen !== null) document.querySelector("main .chosen")?.scrollIntoView({ block: "center" });
  }, [chosen]);
  const isKnown = chosen === null || set.rules.some(({ id }) => id === chosen);
  return (
    <>
      <p className="quiet">
        A plain <em>forbid</em> wins over everything; one that asks is lifted by an approval; what no rule
        permits is denied. Version <code>{set.version}</code>.
      </p>
      {isKnown ? null : (
        <p className="waits" role="status">
          The rule <Visible text={chosen} /> is not loaded any more.
        </p>
      )}
      <ul className="steps" aria-label="Rules">
        {set.rules.map((one) => (
          <li key={one.id} className={one.id === chosen ? "chosen" : ""}>
            <details open={one.id === chosen}>
              <summary>
                <strong>{one.id}</strong> <span className="quiet">{effectOf(one)}</span>{" "}
                {one.description === null ? null : <Visible text={one.description} />}
              </summary>
              <pre className="preview">
                <Visible text={one.text} />
              </pre>
            </details>
          </li>
        ))}
      </ul>
      <Trial set={set} />
    </>
  );
}

function effectOf({ effect, asks }: PolicySet["rules"][number]): string {
  if (asks === null) return effect;
  const who = asks.approvers === null ? "" : ` of ${asks.approvers.join(", ")}`;
  const apart = asks.separate_duties ? ", not the requester" : "";
  const people = asks.quorum === 1 ? "a person" : `${asks.quorum} people`;
  return `asks ${people}${who}${apart}, for ${duration(asks.timeout_seconds * 1_000)}`;
}
