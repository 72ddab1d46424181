// The evidence from outside: which logs there are, what is signed of them, and how to check it oneself. A page cannot prove
// anything: who serves it could serve another. So it says the commands that can.

import type { AuditCheckpoint, AuditLog, AuditLogList } from "@assent/contract";
import type { ReactNode } from "react";
import { Failure, Loading, Page } from "../parts.tsx";
import { useResource } from "../session.tsx";

const LOOK_MS = 5_000;

export function AuditPage(): ReactNode {
  const { data, error } = useResource<AuditLogList>("/api/harness/audit/logs", LOOK_MS);
  const newest = data?.data.at(-1);
  return (
    <Page title="Audit">
      {error === null ? null : <Failure error={error} />}
      {data === null ? error === null ? <Loading /> : null : null}
      {data?.stopped == null ? null : (
        <div className="failure" role="alert">
          <strong>The newest log is not signed any more.</strong> {data.stopped.detail}
        </div>
      )}
      {data?.data.length === 0 ? (
        <p className="empty">Nothing was signed yet: the first event begins the log.</p>
      ) : null}
      {data?.data.toReversed().map((log) => (
        <Log key={log.epoch} log={log} />
      ))}
      {newest === undefined ? null : <Check log={newest} />}
    </Page>
  );
}

function Log({ log }: { readonly log: AuditLog }): ReactNode {
  const checkpoint = useResource<AuditCheckpoint>(`/api/harness/audit/logs/${log.epoch}/checkpoint`, LOOK_MS);
  return (
    <section aria-label={`Log ${log.epoch}`}>
      <h2>
        Log {log.epoch}: {log.signed_size} of {log.size} entries signed
      </h2>
      <dl>
        <dt>name</dt>
        <dd>
          <code>{log.origin}</code>
        </dd>
        <dt>key</dt>
        <dd>
          <code>{log.keys.at(-1) ?? log.vkey}</code>
        </dd>
        <dt>witnesses</dt>
        <dd>
          {log.cosigned_size === null ? "none are configured" : `have seen ${log.cosigned_size} entries`}
        </dd>
      </dl>
      {checkpoint.data === null ? null : (
        // Scrolled by keyboard as well.
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        <pre
          className="preview"
          tabIndex={0}
          role="group"
          aria-label={`Newest checkpoint of log ${log.epoch}`}
        >
          {checkpoint.data.note}
        </pre>
      )}
    </section>
  );
}

function Check({ log }: { readonly log: AuditLog }): ReactNode {
  return (
    <section aria-label="Check it yourself">
      <h2>Check it yourself</h2>
      <p>
        A page cannot prove itself. Take a copy, and look at it where neither this server nor its database is:
      </p>
      <pre className="preview">{`assent audit export copy/\nassent audit verify copy/ --key '${log.vkey}'`}</pre>
    </section>
  );
}
