// Why something was decided as it was; the rules among it are a link away.

import type { Approval } from "@assent/contract";
import type { ReactNode } from "react";
import { Visible } from "./parts.tsx";
import { hashOf } from "./places.ts";

type Reason = Approval["decision"]["reasons"][number];

/** A precedent's id stands where a rule's does. */
const RULE = /^[a-z0-9._/-]+$/;

export function Because({ reason: { code, policy, detail } }: { readonly reason: Reason }): ReactNode {
  return (
    <>
      <Visible text={detail} />{" "}
      <small>
        {policy !== undefined && policy !== null && RULE.test(policy) ? (
          <a href={hashOf({ page: "rules", rule: policy })}>{policy}</a>
        ) : (
          (policy ?? code)
        )}
      </small>{" "}
    </>
  );
}
