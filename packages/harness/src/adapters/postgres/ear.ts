// How a server without a worker hears of what other processes commit: on a connection of its own. Nothing rests on it:
// while it is away, whoever waits looks.

import type { Clock, Log } from "../../ports.ts";
import type { Connection } from "./connect.ts";
import { keepSession, type KeptSession } from "./kept-session.ts";
import { hear, type Heard, LISTEN_TO_ANSWERS } from "./wake-ups.ts";

/** Is made beside everything else, and again whenever it breaks, until it is ended. */
export async function openEar(
  connection: Connection,
  ports: { readonly clock: Clock; readonly log: Log; readonly heard: Heard },
): Promise<KeptSession> {
  const { heard } = ports;
  return await keepSession(
    connection,
    {
      title: "the connection on which a server hears of answers",
      name: "assent server",
      isNeededAtOnce: false,
      enter: async (client) => await client.query(LISTEN_TO_ANSWERS),
      onNotification: (said) => {
        hear(said, heard);
      },
      onBack: () => {
        heard.onAnswer(null);
      },
    },
    ports,
  );
}
