import { DatabaseError } from "pg";
import { expect, test } from "vitest";
import { StoreUnavailable } from "../../../packages/harness/src/ports.ts";
import { refuseFailingDatabase } from "../../../packages/harness/src/assemble/failing-database.ts";

function said(code: string): DatabaseError {
  const error = new DatabaseError("what the server said", 0, "error");
  error.code = code;
  return error;
}

const starting = async (error: Error): ReturnType<typeof refuseFailingDatabase> =>
  await refuseFailingDatabase(() => {
    throw error;
  });

test("a database that fails under a start is a refusal that says so", async () => {
  const detail = "No space is left for the database (what the server said).";
  for (const error of [said("53100"), new StoreUnavailable("none", said("53100"))])
    expect(await starting(error)).toMatchObject({ ok: false, error: { code: "disk_full", detail } });
  for (const error of [
    said("57P01"),
    said("25006"),
    Object.assign(new Error("read"), { code: "ECONNRESET" }),
  ])
    expect(await starting(error)).toMatchObject({ ok: false, error: { code: "database_failed" } });
});

test("what is no fault of the database's stays what it was", async () => {
  const missing = Object.assign(new Error("a file"), { code: "ENOENT", syscall: "open" });
  for (const error of [said("42P01"), new TypeError("a defect"), missing])
    await expect(starting(error)).rejects.toBe(error);
});
