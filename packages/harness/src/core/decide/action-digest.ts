import type { Action, RunId, TenantId } from "@assent/contract";
import { digestOf, type Sha256 } from "../../base/digest.ts";
import type { ArgumentLabels } from "./action-request.ts";

/** Where an action may happen: an approval for one run says nothing about another. */
export type ActionScope = { readonly tenant: TenantId; readonly run: RunId; readonly seq: number };

/**
 * What assent binds to (invariant 5, assent is exact): tool, version, manifest, canonical arguments (RFC 8785) with the
 * origin of each, what the tool found when it was asked, and the scope. Any change in any of them gives another digest.
 */
export function actionDigest(
  action: Action,
  labels: ArgumentLabels,
  precondition: string | null,
  scope: ActionScope,
): Sha256 {
  const origins = Object.fromEntries(
    Object.entries(labels).map(([pointer, { origin }]) => [pointer, origin]),
  );
  return digestOf("action", { action, origins, precondition, scope });
}

/**
 * The key under which a tool carries out one call, the same in every attempt (invariant 2, at-most-once). It does not
 * hold the model's own call id: that changes when a model is asked again.
 */
export function effectId(action: Action, scope: ActionScope): Sha256 {
  return digestOf("effect", { tool: action.tool, arguments: action.arguments, scope });
}
