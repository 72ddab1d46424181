// A database that cannot be used, as services know it.

import { StoreUnavailable } from "../../ports.ts";
import { CommitUnknownError, faultOf } from "./fault.ts";

/** @throws StoreUnavailable where that is why `work` failed, else what `work` threw */
export async function unlessUnavailable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CommitUnknownError) throw new StoreUnavailable("unknown", error.cause);
    if (faultOf(error) !== null) throw new StoreUnavailable("none", error);
    throw error;
  }
}
