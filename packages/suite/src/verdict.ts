/**
 * INCONCLUSIVE: the question could not be put, which is never a pass. SKIP: the target lacks something, by name.
 * ERROR: a fault of the suite.
 */
export const VERDICTS = ["PASS", "FAIL", "SKIP", "INCONCLUSIVE", "ERROR"] as const;
export type Verdict = (typeof VERDICTS)[number];
