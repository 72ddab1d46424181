// A database that fails while a harness starts on it, as its operator is told: it is no defect of the program.

import { faultOf, isDiskFull } from "../adapters/postgres/fault.ts";
import { err, type Result } from "../base/result.ts";
import { StoreUnavailable } from "../ports.ts";
import type { StartRefusal } from "./refusal.ts";

/** @throws what `start` threw, where that was nothing of the database's */
export async function refuseFailingDatabase<T>(
  start: () => Promise<Result<T, StartRefusal>>,
): Promise<Result<T, StartRefusal>> {
  try {
    return await start();
  } catch (error) {
    const cause = error instanceof StoreUnavailable ? error.cause : error;
    if (!(cause instanceof Error) || faultOf(cause) === null) throw error;
    return err(refusalOf(cause));
  }
}

const refusalOf = (error: Error): StartRefusal =>
  isDiskFull(error)
    ? {
        code: "disk_full",
        detail: `No space is left for the database (${error.message}).`,
        remedy: "Free some space on its disk and start again; nothing is lost.",
      }
    : {
        code: "database_failed",
        detail: `The database failed while the harness was starting (${error.message}).`,
        remedy: "Look at the database and its log, and start again; nothing is lost.",
      };
