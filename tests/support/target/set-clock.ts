// Loaded before the program (node --import): a clock that can be set from outside, as an operator sets a machine's. At
// SIGUSR2 it goes ahead of the machine's by as many milliseconds as the file says that CLOCK_FILE names. Timers go on as
// they are, and so does `performance.now()`: by a machine's clock that is set they do, too.

import { readFileSync } from "node:fs";

const file = process.env["CLOCK_FILE"];
if (file !== undefined) {
  let aheadMs = 0;
  process.on("SIGUSR2", () => {
    aheadMs = Number(readFileSync(file, "utf8"));
  });
  const machines = Date;
  const now = (): number => machines.now() + aheadMs;
  globalThis.Date = new Proxy(machines, {
    construct: (real, given: readonly unknown[], made) =>
      Reflect.construct(real, given.length === 0 ? [now()] : given, made),
    get: (real, name) => (name === "now" ? now : Reflect.get(real, name)),
  });
}
