// A program outside any test run that uses a throw-away database, and then either ends by itself or hangs until killed.

import { connectThrowAwayDatabase } from "../../../support/database.ts";

const database = await connectThrowAwayDatabase();
const { rows } = await database.appPool().query<{ name: string }>("SELECT current_database() AS name");
if (rows[0]?.name !== database.name) throw new Error("another database");
process.send?.({ event: "connected", value: database.app.host });
if (process.argv[2] === "hang") {
  process.on("message", () => undefined);
} else {
  await database[Symbol.asyncDispose]();
  process.disconnect();
}
