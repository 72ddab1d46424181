// A real MCP server over a pipe. `tell` shows what it was started with; it leaves a child behind that outlives its
// standard input, so that whoever ends it has to end the group.
import { spawn } from "node:child_process";
import { appendFileSync, writeFileSync } from "node:fs";
import { McpServer } from "@modelcontextprotocol/server";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { z } from "zod";

const [, , folder] = process.argv;
const child = spawn("/bin/sleep", ["600"], { stdio: "ignore" });
writeFileSync(`${folder}/pids`, `${process.pid} ${child.pid}`);

serveStdio(() => {
  const server = new McpServer({ name: "notes", version: "1.0.0" });
  server.registerTool(
    "Tell-All",
    { description: "Tells \u200bwhat it sees.", inputSchema: z.object({ note: z.string() }) },
    ({ note }) => {
      appendFileSync(`${folder}/effects`, `${note}\n`);
      const seen = { env: process.env, argv: process.argv.slice(2) };
      return { content: [{ type: "text", text: JSON.stringify(seen) }] };
    },
  );
  return server;
});
