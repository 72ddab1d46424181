// A process of ours for the tests to race, release and kill: opens the folder it is told, releases when asked.

import { openEmbedded } from "../../../../packages/harness/src/adapters/postgres/embedded/embedded.ts";

const folder = process.argv[2];
if (folder === undefined) throw new Error("the folder is missing");
const opened = await openEmbedded({ folder, fsync: false });
if (!opened.ok) {
  process.send?.({ event: "refused", value: `${opened.error.reason}: ${opened.error.detail ?? ""}` });
  process.disconnect();
} else {
  process.on("message", () => {
    void opened.value.release().then((end) => {
      process.send?.({ event: "released", value: end });
      process.disconnect();
      return end;
    });
  });
  process.send?.({ event: "opened", value: String(opened.value.serverPid) });
}
