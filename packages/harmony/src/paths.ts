// Where the memory lies below a root. Pure text: nothing here touches the disk or creates a folder. The only part of a
// path that comes from outside is the root; every file name is made from a parsed id.

import { longId } from "./ids.ts";

const below = (folder: string, name: string): string => `${folder.replace(/\/+$/, "")}/${name}`;

export const museDir = (root: string): string => below(root, ".muse");
export const harmonyDir = (root: string): string => `${museDir(root)}/harmony`;

export const patternsDir = (root: string): string => `${harmonyDir(root)}/patterns`;
export const resolutionsDir = (root: string): string => `${harmonyDir(root)}/resolutions`;
export const policiesDir = (root: string): string => `${harmonyDir(root)}/policies`;
export const escalationsDir = (root: string): string => `${harmonyDir(root)}/escalations`;
export const auditDir = (root: string): string => `${harmonyDir(root)}/audit`;
/** One file for each escalation decided: it can be created only once, and that is what makes a decision final. */
export const decisionsDir = (root: string): string => `${harmonyDir(root)}/decisions`;
/** Files not yet in place, on the same file system as their places. Nothing in it is ever read as a record. */
export const temporaryDir = (root: string): string => `${harmonyDir(root)}/tmp`;

const file = (id: string): string => `${longId(id, { strip: true })}.json`;

export const patternPath = (root: string, patternId: string): string =>
  `${patternsDir(root)}/${file(patternId)}`;
export const patternResolutionsDir = (root: string, patternId: string): string =>
  `${resolutionsDir(root)}/${longId(patternId, { strip: true })}`;
export const resolutionPath = (root: string, patternId: string, resolutionId: string): string =>
  `${patternResolutionsDir(root, patternId)}/${file(resolutionId)}`;
export const revocationPath = (root: string, patternId: string, resolutionId: string): string =>
  `${patternResolutionsDir(root, patternId)}/${longId(resolutionId, { strip: true })}.revoked.json`;
export const policyPath = (root: string, policyId: string): string =>
  `${policiesDir(root)}/${file(policyId)}`;
/** Throws HarmonyError `invalid_id`. */
export const escalationPath = (root: string, escalationId: string): string =>
  `${escalationsDir(root)}/${file(escalationId)}`;
export const decisionPath = (root: string, escalationId: string): string =>
  `${decisionsDir(root)}/${file(escalationId)}`;
/** Audit entries are named by day first, so that the newest are found without reading the others. */
export const auditPath = (root: string, day: string, auditId: string): string =>
  `${auditDir(root)}/${day}-${file(auditId)}`;
