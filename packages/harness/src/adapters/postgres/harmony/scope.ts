import type { Scope } from "../rows.ts";

/** Runs work as one transaction of one tenant; row-level security shows it no other tenant's rows. */
export type InTenant = <T>(work: (scope: Scope) => Promise<T>) => Promise<T>;

/** As the records' own comparisons order equal times: by id. */
export const LIMIT_MAX = 2 ** 31 - 1;
