import { expect, test } from "vitest";
import type { Connection } from "../adapters/postgres/connect.ts";
import { readEnvironment } from "../config.ts";
import { openRedaction } from "./redaction.ts";
import { uncounted } from "./telemetry.ts";

const connection = (user: string, password: string): Connection => ({
  host: "127.0.0.1",
  port: 5432,
  database: "assent",
  user,
  password: () => password,
});
const NONE = new Uint8Array(32);
const RAW = "9b1f6a0c35d24e7f8a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f6071";
const SECRETS = {
  keys: NONE,
  cursors: NONE,
  answers: NONE,
  sealing: NONE,
  signing: NONE,
  check: NONE,
  raw: RAW,
};

test("a password that is too short to be found in texts is told of once, in however many addresses it stands", () => {
  const told: unknown[] = [];
  const databases = [connection("app", "pw"), connection("owner", "pw"), connection("other", "xy")];
  const redaction = openRedaction(
    readEnvironment({}),
    SECRETS,
    "ask_operator-key-of-this-test",
    databases,
    (level, _message, fields) => told.push([level, fields?.["kind"]]),
    [],
    uncounted(),
  );
  expect(told).toEqual([
    ["warn", "database_password"],
    ["warn", "database_password"],
  ]);
  expect(redaction.redactText(`say ${RAW}`)).not.toContain(RAW);
});
