// Processor time of a Postgres on this machine: of its server process, of those that it has running, and of those that
// have ended.

import { readdirSync, readFileSync } from "node:fs";
import type { Pool } from "pg";

/** Linux counts processor time in hundredths of a second. */
const TICK_MS = 10;
/** Fields of /proc/<pid>/stat after the name in parentheses: parent, own user and system time, those of ended children. */
const [PARENT, USER, ENDED_SYSTEM] = [1, 11, 14] as const;

type Times = { readonly parent: number; readonly own: number; readonly ended: number };

function timesOf(pid: number): Times | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return null; // It has ended, or there is no /proc.
  }
  const name = /\((.*)\)/su.exec(stat)?.[1];
  if (name !== "postgres") return null;
  const fields = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .map(Number);
  const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = fields.slice(USER, ENDED_SYSTEM + 1);
  return {
    parent: fields[PARENT] ?? 0,
    own: (user + system) * TICK_MS,
    ended: (endedUser + endedSystem) * TICK_MS,
  };
}

/** @returns milliseconds so far; NaN where the server's processes are not to be seen from here */
export async function postgresCpuMs(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ pid: number }>("select pg_backend_pid() as pid");
  const server = timesOf(rows[0]?.pid ?? 0)?.parent;
  const whole = server === undefined ? null : timesOf(server);
  if (server === undefined || whole === null) return Number.NaN;
  const children = readdirSync("/proc")
    .filter((name) => /^\d+$/u.test(name))
    .map((name) => timesOf(Number(name)))
    .filter((times) => times?.parent === server);
  return children.reduce((sum, times) => sum + (times?.own ?? 0), whole.own + whole.ended);
}
