// Whether the service works, whom it asks, and what that has cost.

import type { BudgetReport, ProviderView } from "@assent/contract";
import type { ReactNode } from "react";
import { Failure, Page } from "../parts.tsx";
import { useResource } from "../session.tsx";
import { stateWords } from "../words.ts";

const LOOK_MS = 5_000;

type Readiness = {
  readonly status: string;
  readonly breakers_open?: number;
  readonly audit_gaps?: number;
  readonly audit_stopped?: number;
};

export function HealthPage(): ReactNode {
  const ready = useResource<Readiness>("/readyz", LOOK_MS);
  const providers = useResource<{ readonly data: readonly ProviderView[] }>(
    "/api/harness/providers",
    LOOK_MS,
  );
  const budget = useResource<BudgetReport>("/api/harness/budget", LOOK_MS);
  return (
    <Page title="Health">
      {ready.error === null ? null : <Failure error={ready.error} />}
      {ready.data === null ? null : (
        <p>
          The service is <strong>{ready.data.status}</strong>.
          {ready.data.audit_stopped ? ` ${ready.data.audit_stopped} logs are not signed any more.` : ""}
          {ready.data.audit_gaps ? ` ${ready.data.audit_gaps} numbers of events are missing.` : ""}
        </p>
      )}
      <h2>Models and tools that are asked</h2>
      {providers.error === null ? null : <Failure error={providers.error} />}
      {providers.data === null ? null : <Providers providers={providers.data.data} />}
      <h2>Budgets</h2>
      {budget.error === null ? null : <Failure error={budget.error} />}
      {budget.data === null ? null : <Budgets report={budget.data} />}
    </Page>
  );
}

function Providers({ providers }: { readonly providers: readonly ProviderView[] }): ReactNode {
  if (providers.length === 0) return <p className="quiet">None was asked yet.</p>;
  return (
    <table className="list">
      <caption className="unseen">Models and tools that are asked</caption>
      <thead>
        <tr>
          <th scope="col">Who</th>
          <th scope="col">State</th>
          <th scope="col">Calls under way</th>
          <th scope="col">Last failure</th>
        </tr>
      </thead>
      <tbody>
        {providers.map((one) => (
          <tr key={one.provider}>
            <th scope="row">{one.provider}</th>
            <td className={one.state === "closed" ? "" : "grave"}>
              {{ closed: "is asked", open: "is left alone", half_open: "is tried" }[one.state]}
              {one.open_until === null ? "" : ` until ${one.open_until.slice(11, 19)}Z`}
            </td>
            <td>
              {one.in_flight} of {one.concurrency_max}
            </td>
            <td>{one.reason === null ? "" : stateWords(one.reason)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Budgets({ report }: { readonly report: BudgetReport }): ReactNode {
  if (report.data.length === 0) return <p className="quiet">No limit is set.</p>;
  return (
    <table className="list">
      <caption className="unseen">What model calls have cost, and what they may</caption>
      <thead>
        <tr>
          <th scope="col">Account</th>
          <th scope="col">Spent</th>
          <th scope="col">Of</th>
        </tr>
      </thead>
      <tbody>
        {report.data.map(({ account, day, spent, limits }) => (
          <tr key={`${account} ${day ?? ""}`}>
            <th scope="row">{day ?? account}</th>
            <td>
              {spent.cost_usd.toFixed(2)} USD, {spent.input_tokens} tokens in, {spent.output_tokens} out
            </td>
            <td>
              {[
                limits.cost_usd === null ? null : `${limits.cost_usd} USD`,
                limits.input_tokens === null ? null : `${limits.input_tokens} tokens in`,
                limits.output_tokens === null ? null : `${limits.output_tokens} out`,
              ]
                .filter((limit) => limit !== null)
                .join(", ")}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
