// Started by process.test.ts as a process of its own: the real terminal, signals and exit around a harness of its.

import { runProcess } from "../../../../packages/harness/src/cli/process.ts";

await runProcess(async (options) => {
  const busy = setInterval(() => undefined, 60_000);
  const stop = async (): Promise<void> => {
    // With this model its end never comes.
    if (options.model === "never/stops") await new Promise(() => undefined);
    clearInterval(busy);
  };
  const url = "http://127.0.0.1:9";
  const running = { url, consoleUrl: null, home: options.home, adminKey: "key", firstStart: false, stop };
  return await Promise.resolve({ ok: true, value: running });
});
