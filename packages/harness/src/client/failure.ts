import type { Problem } from "@assent/contract";

/** Why a request brought no result. `refused` is the server's own word; the others are ours. */
export type ClientFailure =
  | { readonly kind: "unreachable"; readonly url: string; readonly detail: string }
  | { readonly kind: "refused"; readonly problem: Problem; readonly retryAfterMs: number | null }
  | { readonly kind: "unexpected"; readonly detail: string }
  | { readonly kind: "aborted" };
