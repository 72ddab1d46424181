/** Why a harness was not started, and what an operator can do about it. */
export type StartRefusal = { readonly code: string; readonly detail: string; readonly remedy: string };
