// Who asks for artifacts and does not read them: their bytes wait in memory, so there is room for so many, each tenant has its
// share, and a reader has so long.

import { connect, type Socket } from "node:net";
import { problemSchema, type TenantId } from "@assent/contract";
import { expect, test } from "vitest";
import { ok } from "../../../packages/harness/src/base/result.ts";
import type { Harness } from "../../../packages/harness/src/services/harness.ts";
import { answering, openEngine } from "../../support/engine.ts";
import { until } from "../../support/until.ts";
import { ARTIFACT, ARTIFACT_ID, KEYS, RUN } from "./samples.ts";
import { bearer, type Fixture, startApi } from "./support.ts";
import { createTestHarness } from "./memory-harness.ts";

/** More than a connection holds on its way. */
const SIZE_BYTES = 16 * 1024 * 1024;
const PATH = `/api/harness/runs/${RUN}/artifacts/${ARTIFACT_ID}`;
const OTHER_TENANT: TenantId = `ten_${"3".repeat(32)}`;
/** May read, as the other may. */
const OTHERS_KEY = KEYS.read;

async function start(artifacts: object): Promise<Fixture> {
  const plain = createTestHarness();
  const openArtifact: Harness["openArtifact"] = async (_caller, _run, _id, isRoomFor) =>
    await Promise.resolve(
      isRoomFor?.(SIZE_BYTES) === true
        ? ok({ artifact: ARTIFACT, bytes: new Uint8Array(SIZE_BYTES) })
        : { ok: false, error: { code: "overloaded", detail: "There is no room." } },
    );
  const admit: Harness["admit"] = async (presented) => {
    const admitted = await plain.admit(presented);
    if (admitted === null || presented.credential !== OTHERS_KEY) return admitted;
    return { ...admitted, caller: { ...admitted.caller, tenant: OTHER_TENANT } };
  };
  return await startApi({ openArtifact, admit }, { artifacts });
}

/** Asks, and reads the first bytes of the answer only. */
async function askAndStop(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  const head = [
    `GET ${PATH} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    `Authorization: Bearer ${KEYS.all}`,
    "",
    "",
  ];
  socket.write(head.join("\r\n"));
  await new Promise((resolve) => socket.once("readable", resolve));
  return socket;
}

const read = async ({ url }: Fixture, key: string = KEYS.all): Promise<Response> =>
  await fetch(`${url}${PATH}`, { headers: bearer(key) });

const codeOf = async (answer: Response): Promise<string> => problemSchema.parse(await answer.json()).code;

test("a tenant whose readers do not read is refused more, others are not, and what is read or given up makes room", async () => {
  await using api = await start({ totalBytes: 4 * SIZE_BYTES, tenantBytes: 2 * SIZE_BYTES });
  const slow = [await askAndStop(api.port), await askAndStop(api.port)];
  const refused = await read(api);
  expect(refused.headers.get("retry-after")).not.toBeNull();
  expect(await codeOf(refused)).toBe("overloaded");
  const others = await read(api, OTHERS_KEY);
  expect([others.status, (await others.arrayBuffer()).byteLength]).toEqual([200, SIZE_BYTES]);
  for (const socket of slow) socket.destroy();
  await until(
    "there is room again",
    async () => (await (await read(api)).arrayBuffer()).byteLength === SIZE_BYTES,
  );
});

test("the room of all tenants together is bounded", async () => {
  await using api = await start({ totalBytes: 2 * SIZE_BYTES, tenantBytes: 8 * SIZE_BYTES });
  const slow = [await askAndStop(api.port), await askAndStop(api.port)];
  const refused = await read(api, OTHERS_KEY);
  expect(await codeOf(refused)).toBe("overloaded");
  for (const socket of slow) socket.destroy();
});

test("a reader that takes too long is cut off", async () => {
  await using api = await start({ tenantBytes: SIZE_BYTES, patienceMs: 1, bytesPerSecond: 1e12 });
  const socket = await askAndStop(api.port);
  // Nothing is read meanwhile: the end is the server's.
  await until("there is room again", async () => (await read(api)).status !== 503);
  socket.destroy();
});

test("room is asked for before an artifact is read from where it is kept", async () => {
  await using engine = await openEngine({ models: answering(() => ({ text: "done" })) });
  await engine.startWorker();
  const run = await engine.reaches(await engine.submit(), "succeeded");
  const [artifact] = run.artifacts;
  if (artifact === undefined) throw new Error("a run has an answer");
  const asked: number[] = [];
  const open = async (isRoom: boolean): ReturnType<Harness["openArtifact"]> =>
    await engine.harness.openArtifact(engine.caller, run.id, artifact.id, (sizeBytes) => {
      asked.push(sizeBytes);
      return isRoom;
    });
  expect(await open(false)).toMatchObject({ ok: false, error: { code: "overloaded" } });
  expect(await open(true)).toMatchObject({ ok: true });
  expect(asked).toEqual([artifact.size_bytes, artifact.size_bytes]);
});
