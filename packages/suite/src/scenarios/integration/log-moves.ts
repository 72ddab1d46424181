// A log as one who may read it downloads it.

import type { Answer } from "../../client.ts";
import { type CopiedEntry, type LogCopy, type LogPin, readPin, sizeOfCheckpoint } from "../../log-copy.ts";
import { fieldsOf, textOf } from "../../run-reading.ts";
import type { ScenarioContext } from "../../scenario.ts";
import type { Role } from "../../target.ts";

const LOGS = "/api/harness/audit/logs";
/** Entries asked for at once; the contract's limit. */
const PAGE_ENTRIES = 1_024;

/** `reader` may read it; `pin` is what was believed of it at first. */
export type Log = { readonly reader: Role; readonly path: string; readonly pin: LogPin };

export async function ask(context: ScenarioContext, role: Role, path: string, endpoint = 0): Promise<Answer> {
  const headers = { accept: "application/json" };
  return await context.client(role, endpoint).request({ method: "GET", path, headers, body: null });
}

export const rowsOf = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? (value as unknown[]) : [];

/** Name and keys of the newest log: learnt once, and believed for the whole trial. */
export async function pinLog(context: ScenarioContext, reader: Role): Promise<Log> {
  const answer = await ask(context, reader, LOGS);
  const newest = fieldsOf(rowsOf(fieldsOf(answer.json)["data"]).at(-1));
  const origin = textOf(newest["origin"]);
  const pin = readPin(origin, rowsOf(newest["keys"]).map(textOf));
  context.check(
    "an auditor learns the log's name and keys",
    answer.status === 200 && pin !== null,
    answer.json,
  );
  if (pin === null) throw new Error("unreachable: the check before has ended the trial");
  return { reader, path: `${LOGS}/${Number(newest["epoch"])}`, pin };
}

export async function readNote(
  context: ScenarioContext,
  { reader, path, pin }: Log,
  endpoint = 0,
): Promise<string> {
  const answer = await ask(context, reader, `${path}/checkpoint`, endpoint);
  const note = textOf(fieldsOf(answer.json)["note"]);
  const isSigned = sizeOfCheckpoint(note, pin) !== null;
  context.check(
    "the checkpoint is signed by a key of the log",
    answer.status === 200 && isSigned,
    answer.text,
  );
  return note;
}

export async function copyLog(context: ScenarioContext, log: Log): Promise<LogCopy> {
  const note = await readNote(context, log);
  const size = sizeOfCheckpoint(note, log.pin) ?? 0;
  const entries: CopiedEntry[] = [];
  while (entries.length < size) {
    const page = await ask(
      context,
      log.reader,
      `${log.path}/entries?from=${entries.length}&limit=${Math.min(PAGE_ENTRIES, size - entries.length)}`,
    );
    const rows = rowsOf(fieldsOf(page.json)["data"]).map(fieldsOf);
    const hashes = rowsOf(fieldsOf(page.json)["hashes"]).map(textOf);
    context.check(
      "every entry that is signed can be read",
      page.status === 200 && rows.length + hashes.length > 0,
      page.status,
    );
    // Whether they may be gone is for an entry behind them to say.
    for (const hash of hashes) entries.push({ leaf: "", salt: null, payload: null, hash });
    for (const row of rows) {
      const [salt, payload] = [row["salt"], row["payload"]];
      entries.push({
        leaf: textOf(row["leaf"]),
        salt: typeof salt === "string" ? salt : null,
        payload: typeof payload === "string" ? payload : null,
      });
    }
  }
  return { note, entries };
}
