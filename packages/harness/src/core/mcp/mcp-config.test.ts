import { expect, test } from "vitest";
import { destinationOfServer, mcpServerSchema } from "./mcp-config.ts";

const place = (server: object, name = "bank"): string =>
  destinationOfServer(name, mcpServerSchema.parse({ tools: {}, ...server }));

const http = { transport: "http", url: "https://mcp.example.org/mcp", bearer_token_env: "TOKEN" };
const stdio = {
  transport: "stdio",
  command: "/opt/server",
  args: ["--all"],
  environment: { LANG: "C" },
  pass_environment: ["A", "B"],
};

test.each([
  [http, { url: "https://mcp.example.org/other" }],
  [http, { bearer_token_env: "TOKEN_OF_B" }],
  [http, { private_network: true }],
  [stdio, { command: "/opt/other" }],
  [stdio, { args: ["--all", "--bcc"] }],
  [stdio, { cwd: "elsewhere" }],
  [stdio, { environment: { LANG: "C", ACCOUNT: "b" } }],
  [stdio, { pass_environment: ["A"] }],
])("%o with %o is another place", (server, change) => {
  expect(place({ ...server, ...change })).not.toBe(place(server));
  expect(place(server, "other")).not.toBe(place(server));
});

test("which tools are declared, and in which order variables are named, moves nothing", () => {
  expect(place({ ...http, tools: { pay: {} } })).toBe(place(http));
  expect(place({ ...stdio, pass_environment: ["B", "A"] })).toBe(place(stdio));
});
