import fastify, { type FastifyInstance } from "fastify";
import { describe, expect, test } from "vitest";
import { type Gate, refuseUnguardedRoutes, requireKeys } from "./authenticate.ts";

const NOBODY: Gate = {
  harness: { admit: async () => await Promise.resolve(null), permits: () => true },
  addresses: { take: () => null },
  log: () => undefined,
};

const handler = async (): Promise<object> => await Promise.resolve({});
const start = async (register: (app: FastifyInstance) => void): Promise<void> => {
  const app = fastify();
  refuseUnguardedRoutes(app);
  register(app);
  await app.ready();
};
const guarded = (config: object) => (app: FastifyInstance) => {
  app.register(async (scope: FastifyInstance) => {
    requireKeys(scope, NOBODY);
    scope.get("/new", { config }, handler);
    await Promise.resolve();
  });
};

describe("the server does not start", () => {
  test("with a guarded route that declares no action", async () => {
    await expect(start(guarded({}))).rejects.toThrow(/declares which action/);
  });
  test("with a guarded route that declares an action there is not", async () => {
    await expect(start(guarded({ action: "runs.everything" }))).rejects.toThrow(/declares which action/);
  });
  test("with a new open route", async () => {
    await expect(start(guarded({ action: "open" }))).rejects.toThrow(/demands a key/);
    await expect(start((app) => app.get("/new", { config: { action: "open" } }, handler))).rejects.toThrow(
      /demands a key/,
    );
  });
  test("with a route outside of the guarded scope", async () => {
    await expect(start((app) => app.get("/new", handler))).rejects.toThrow(/demands a key/);
    await expect(
      start((app) => app.get("/new", { config: { action: "runs.read" } }, handler)),
    ).rejects.toThrow(/demands a key/);
  });
  test("but with one that is guarded and says what it needs", async () => {
    await expect(start(guarded({ action: "runs.read" }))).resolves.toBeUndefined();
  });
});
