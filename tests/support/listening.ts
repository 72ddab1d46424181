import { once } from "node:events";
import type { Server } from "node:http";

/** Has the server listen on a free port of this machine, until the stack is disposed of. @returns its address */
export async function listening(server: Server, stack: AsyncDisposableStack): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  stack.defer(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return `http://127.0.0.1:${address.port}`;
}
