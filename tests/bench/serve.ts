// The harness under measurement, in a process of its own. It counts the statements that it sends.

import { Client } from "pg";
import { startHarness } from "../../packages/harness/src/assemble.ts";
import { processEnvironment } from "../../packages/harness/src/config.ts";

const CONTROL = /^\s*(?:begin|commit|rollback|select set_config)/i;
let statements = 0;
let control = 0;
let areReceiptsExpected = true;
/** How often each statement was sent, and how long all of them took, by the beginning of its text. */
const texts = new Map<string, { count: number; ms: number }>();

const textOf = (query: unknown): string => {
  if (typeof query === "string") return query;
  return typeof query === "object" && query !== null && "text" in query ? String(query.text) : "";
};

const own: unknown = Reflect.get(Client.prototype, "query");
if (typeof own !== "function") throw new Error("pg's client has no query");

// Every connection of the process is one of these, however it was made.
Object.assign(Client.prototype, {
  query: new Proxy(own, {
    apply: (send, client, args: unknown[]): unknown => {
      // Nobody is to wait for what cannot come, asking for it again and again.
      if (!areReceiptsExpected && textOf(args[0]).includes("audit_decision_entry"))
        return Promise.resolve({ rows: [] });
      const text = textOf(args[0]).replaceAll(/\s+/g, " ").trim().slice(0, 110);
      const told = texts.get(text) ?? { count: 0, ms: 0 };
      texts.set(text, told);
      told.count += 1;
      if (CONTROL.test(text)) control += 1;
      else statements += 1;
      const startedAt = performance.now();
      const answer: unknown = Reflect.apply(send, client, args);
      if (answer instanceof Promise) {
        const end = (): void => {
          told.ms += performance.now() - startedAt;
        };
        void answer.then(end, end);
      }
      return answer;
    },
  }),
});

const [home = "", configFile = ""] = process.argv.slice(2);
const started = await startHarness(
  {
    home,
    host: "127.0.0.1",
    port: 0,
    configFile,
    model: null,
    announce: true,
    environment: processEnvironment(),
    log: () => undefined,
  },
  () => undefined,
);
if (!started.ok) throw new Error(`${started.error.code}: ${started.error.detail}`);
process.send?.({ url: started.value.url });
process.on("message", (asked) => {
  if (asked === "receipts" || asked === "no receipts") {
    areReceiptsExpected = asked === "receipts";
    process.send?.("heard");
    return;
  }
  if (asked === "stats") {
    const { user, system } = process.cpuUsage();
    process.send?.({ statements, control, cpuMs: (user + system) / 1_000, texts: Object.fromEntries(texts) });
    return;
  }
  void started.value.stop().then(() => process.exit(0));
});
// Whoever measured is gone.
process.on("disconnect", () => void started.value.stop().then(() => process.exit(0)));
