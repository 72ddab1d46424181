// OTLP as SDKs of others send it. The bytes are OpenTelemetry's own, of @opentelemetry/otlp-transformer 0.301.0: two spans
// through ProtobufTraceSerializer and JsonTraceSerializer, a counter and a histogram through ProtobufMetricsSerializer.

import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readOtlp } from "./otlp-protobuf.ts";
import { type OtlpReceiver, startOtlpReceiver } from "./otlp-receiver.ts";

const TRACE = Buffer.from(
  "CoQBChsKFwoMc2VydmljZS5uYW1lEgcKBW90aGVyEAASZQoKCgVzY29wZRIBMRJXChAK92UZFs1D3Qr3ZRkWzUPdEgi3rWtxaSAz" +
    "MSoVUE9TVCAvYXBpL2hhcm5lc3MvcnVuMAI5BQAqNv6clxdBBsrEcf6clxdQAGAAcAB6AhgAhQEBAQAACvsCChsKFwoMc2Vydmlj" +
    "ZS5uYW1lEgcKBW90aGVyEAAS2wIKCgoFc2NvcGUSATESzAIKEAr3ZRkWzUPdCvdlGRbNQ90SCBESExQVFhcYIggA8GeqC6kCtyoT" +
    "Y2hhdCDDvG7Dr2NvZGUv8J+ZgjADOQUAKjb+nJcXQQbKxHH+nJcXSiEKFmdlbl9haS5jb252ZXJzYXRpb24uaWQSBwoFcnVuXzFK" +
    "BwoBbhICGCpKEgoDbmVnEgsY+f//////////AUoQCgNiaWcSCRj/////////D0oOCgFmEgkhAAAAAAAA+D9KCQoDeWVzEgIQAUoI" +
    "CgJubxICEABKFAoEbGlzdBIMKgoKAwoBYQoDCgFiSgsKBWVtcHR5EgIKAFAAWhgJBwAqNv6clxcSAWUaCAoBaxIDCgF2IABgAGos" +
    "ChCrq6urq6urq6urq6urq6urEgjNzc3Nzc3NzSIHCgF4EgIYASgANQEBAABwAHoNEglpdCBmYWlsZWQYAoUBAQEAAA==",
  "base64",
);
const METRICS = Buffer.from(
  "CsAECpcBCiYKDHNlcnZpY2UubmFtZRIWChR1bmtub3duX3NlcnZpY2U6bm9kZQoiChZ0ZWxlbWV0cnkuc2RrLmxhbmd1YWdlEggK" +
    "Bm5vZGVqcwolChJ0ZWxlbWV0cnkuc2RrLm5hbWUSDwoNb3BlbnRlbGVtZXRyeQogChV0ZWxlbWV0cnkuc2RrLnZlcnNpb24SBwoF" +
    "My4xLjAQABKjAwoHCgVzY29wZRI/Cg1hc3NlbnQuZXZlbnRzOi4KKBEA9xFZZuTpGBlAOSFZZuTpGCEAAAAAAAAIQDoLCgRraW5k" +
    "EgMKAXgQARgBEtYCChlnZW5fYWkuY2xpZW50LnRva2VuLnVzYWdlSrgCCrMCEQD3EVlm5OkYGUA5IVlm5OkYIQEAAAAAAAAAKQAA" +
    "AAAAABRAMoABAAAAAAAAAAABAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" +
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA6eAAAAAAAAAAAAAAA" +
    "AAAAFEAAAAAAAAAkQAAAAAAAADlAAAAAAAAASUAAAAAAAMBSQAAAAAAAAFlAAAAAAABAb0AAAAAAAEB/QAAAAAAAcIdAAAAAAABA" +
    "j0AAAAAAAIijQAAAAAAAiLNAAAAAAABMvUAAAAAAAIjDQFkAAAAAAAAUQGEAAAAAAAAUQBAB",
  "base64",
);
const TRACE_JSON = String.raw`{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"other"}}],"droppedAttributesCount":0},"scopeSpans":[{"scope":{"name":"scope","version":"1"},"spans":[{"traceId":"0af7651916cd43dd0af7651916cd43dd","spanId":"b7ad6b7169203331","name":"POST /api/harness/run","kind":2,"startTimeUnixNano":"1700000000000000005","endTimeUnixNano":"1700000001000000006","attributes":[],"droppedAttributesCount":0,"events":[],"droppedEventsCount":0,"status":{"code":0},"links":[],"droppedLinksCount":0,"flags":257}]}]},{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"other"}}],"droppedAttributesCount":0},"scopeSpans":[{"scope":{"name":"scope","version":"1"},"spans":[{"traceId":"0af7651916cd43dd0af7651916cd43dd","spanId":"1112131415161718","parentSpanId":"00f067aa0ba902b7","name":"chat ünïcode/🙂","kind":3,"startTimeUnixNano":"1700000000000000005","endTimeUnixNano":"1700000001000000006","attributes":[{"key":"gen_ai.conversation.id","value":{"stringValue":"run_1"}},{"key":"n","value":{"intValue":42}},{"key":"neg","value":{"intValue":-7}},{"key":"big","value":{"intValue":9007199254740991}},{"key":"f","value":{"doubleValue":1.5}},{"key":"yes","value":{"boolValue":true}},{"key":"no","value":{"boolValue":false}},{"key":"list","value":{"arrayValue":{"values":[{"stringValue":"a"},{"stringValue":"b"}]}}},{"key":"empty","value":{"stringValue":""}}],"droppedAttributesCount":0,"events":[{"attributes":[{"key":"k","value":{"stringValue":"v"}}],"name":"e","timeUnixNano":"1700000000000000007","droppedAttributesCount":0}],"droppedEventsCount":0,"status":{"code":2,"message":"it failed"},"links":[{"attributes":[{"key":"x","value":{"intValue":1}}],"spanId":"cdcdcdcdcdcdcdcd","traceId":"abababababababababababababababab","droppedAttributesCount":0,"flags":257}],"droppedLinksCount":0,"flags":257}]}]}]}`;

let receiver: OtlpReceiver;
beforeAll(async () => {
  receiver = await startOtlpReceiver();
});
afterAll(async () => {
  await receiver.stop();
});

const PROTOBUF = "application/x-protobuf";
const send = async (
  path: string,
  body: Uint8Array<ArrayBuffer> | string,
  type: string,
  encoding = "identity",
): Promise<readonly [status: number, type: string | null, size: number]> => {
  const headers = { "content-type": type, "content-encoding": encoding };
  const answer = await fetch(`${receiver.url}${path}`, { method: "POST", body, headers });
  const size = (await answer.arrayBuffer()).byteLength;
  return [answer.status, answer.headers.get("content-type"), size];
};

test("spans are the same in protobuf, packed and unpacked, as in JSON", async () => {
  expect(await send("/v1/traces", TRACE_JSON, "application/json")).toEqual([200, "application/json", 2]);
  const [first, second] = receiver.spans;
  expect(first).toMatchObject({ name: "POST /api/harness/run", kind: 2, parentSpanId: "", isError: false });
  expect(second).toMatchObject({ name: "chat ünïcode/🙂", isError: true });
  expect(second?.parentSpanId).toBe("00f067aa0ba902b7");
  expect(second?.attributes).toMatchObject({ n: 42, neg: -7, big: 9_007_199_254_740_991, f: 1.5, yes: true });
  expect(await send("/v1/traces", TRACE, `${PROTOBUF}; charset=utf-8`)).toEqual([200, PROTOBUF, 0]);
  expect(await send("/v1/traces", gzipSync(TRACE), PROTOBUF, "gzip")).toEqual([200, PROTOBUF, 0]);
  const asJson = receiver.spans.slice(0, 2);
  expect(receiver.spans.slice(2)).toEqual([...asJson, ...asJson]);
  expect(receiver.bodies.at(-1)).toContain("chat ünïcode/🙂");
});

test("names of metrics are read of protobuf", async () => {
  expect(await send("/v1/metrics", METRICS, PROTOBUF)).toEqual([200, PROTOBUF, 0]);
  expect([...receiver.metrics]).toEqual(["assent.events", "gen_ai.client.token.usage"]);
});

test("what is no message of OTLP is refused, and said to be", async () => {
  const spans = receiver.spans.length;
  const cut = TRACE.subarray(0, TRACE.length - 7);
  const answers = [
    await send("/v1/traces", cut, PROTOBUF),
    await send("/v1/traces", "not json", "application/json"),
    await send("/v1/traces", TRACE, "text/plain"),
    await send("/v1/traces", TRACE, PROTOBUF, "br"),
    await send("/v1/traces", TRACE, PROTOBUF, "gzip"),
  ];
  expect(answers.map(([status, type]) => `${status} ${type}`)).toEqual([
    "400 text/plain",
    "400 text/plain",
    ...Array<string>(3).fill("415 text/plain"),
  ]);
  expect(receiver.spans).toHaveLength(spans);
});

test("bytes that were changed are read or refused, and never end the receiver", () => {
  const within = (field: number, inner: Buffer): Buffer =>
    Buffer.concat([Buffer.from([8 * field + 2, (inner.length % 128) + 128, inner.length >> 7]), inner]);
  const spanWith = (value: Buffer): Buffer =>
    [2, 9, 2, 2, 1].reduce((inner, field) => within(field, inner), value);
  // A value of an attribute holds itself, deeper than anybody looks.
  const nested = (depth: number): Buffer =>
    Array.from({ length: depth }).reduce<Buffer>(
      (inner) => within(5, within(1, inner)),
      within(1, Buffer.from("x")),
    );
  expect(JSON.stringify(readOtlp("/v1/traces", spanWith(nested(2))))).toContain('"stringValue":"x"');
  expect(readOtlp("/v1/traces", spanWith(nested(40)))).toBeNull();
  // Cut off anywhere but between its two spans.
  const whole = Array.from({ length: TRACE.length }, (_, size) => size).filter(
    (size) => readOtlp("/v1/traces", TRACE.subarray(0, size)) !== null,
  );
  expect(whole).toEqual([0, 135]);
  let refused = 0;
  for (let at = 0; at < TRACE.length; at += 1)
    for (const flip of [0x01, 0x80, 0xff]) {
      const changed = Buffer.from(TRACE);
      changed[at] = (changed[at] ?? 0) ^ flip;
      if (readOtlp("/v1/traces", changed) === null) refused += 1;
    }
  expect(refused).toBeGreaterThan(100);
});
