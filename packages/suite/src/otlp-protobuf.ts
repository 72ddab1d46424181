// OTLP's binary form read into its JSON form, as far as the suite looks at either: an SDK whose default is protobuf then
// needs no setting. Wire format: protobuf.dev/programming-guides/encoding. Fields: opentelemetry-proto 1.x, whose numbers
// never change; what is not named here is passed over.

type Kind = "text" | "hex" | "number" | "big" | "double" | "bool" | Shape;
type Field = { readonly name: string; readonly kind: Kind; readonly many?: true };
type Shape = { readonly fields: Readonly<Record<number, Field>> };

/** Messages inside of messages; a value of attributes can hold itself. */
const DEPTH_MAX = 16;

const shape = (fields: Readonly<Record<number, Field>>): Shape => ({ fields });
const text = (name: string): Field => ({ name, kind: "text" });
const hex = (name: string): Field => ({ name, kind: "hex" });
const many = (name: string, kind: Kind): Field => ({ name, kind, many: true });

const values: Record<number, Field> = {};
const VALUE = shape(values);
const ATTRIBUTE = shape({ 1: text("key"), 2: { name: "value", kind: VALUE } });
Object.assign(values, {
  1: text("stringValue"),
  2: { name: "boolValue", kind: "bool" },
  3: { name: "intValue", kind: "big" },
  4: { name: "doubleValue", kind: "double" },
  5: { name: "arrayValue", kind: shape({ 1: many("values", VALUE) }) },
  6: { name: "kvlistValue", kind: shape({ 1: many("values", ATTRIBUTE) }) },
  7: hex("bytesValue"),
});

const SPAN = shape({
  1: hex("traceId"),
  2: hex("spanId"),
  4: hex("parentSpanId"),
  5: text("name"),
  6: { name: "kind", kind: "number" },
  9: many("attributes", ATTRIBUTE),
  13: many("links", shape({ 1: hex("traceId"), 2: hex("spanId") })),
  15: { name: "status", kind: shape({ 2: text("message"), 3: { name: "code", kind: "number" } }) },
});

const TRACES = shape({
  1: many("resourceSpans", shape({ 2: many("scopeSpans", shape({ 2: many("spans", SPAN) })) })),
});
const METRICS = shape({
  1: many(
    "resourceMetrics",
    shape({ 2: many("scopeMetrics", shape({ 2: many("metrics", shape({ 1: text("name") })) })) }),
  ),
});

/** What a request to this path of a collector holds; null for a path of something else. */
const shapeOf = (path: string): Shape | null => {
  if (path.endsWith("/v1/traces")) return TRACES;
  return path.endsWith("/v1/metrics") ? METRICS : null;
};

/** Null where the bytes are not of the form. */
export function readOtlp(path: string, bytes: Uint8Array): Readonly<Record<string, unknown>> | null {
  const of = shapeOf(path);
  if (of === null) return {};
  try {
    return readMessage(of, Buffer.from(bytes), 0);
  } catch (error) {
    if (error instanceof Malformed) return null;
    throw error;
  }
}

class Malformed extends Error {
  override readonly name = "Malformed";
}

// As text where a double could not hold it.
const wholeNumber = (value: bigint): number | string =>
  Number.isSafeInteger(Number(value)) ? Number(value) : String(value);

type Wire =
  | { readonly type: "varint"; readonly value: bigint }
  | { readonly type: "bytes"; readonly value: Buffer };

function readMessage({ fields }: Shape, bytes: Buffer, depth: number): Record<string, unknown> {
  if (depth > DEPTH_MAX) throw new Malformed("too deep");
  const message: Record<string, unknown> = {};
  for (let at = 0; at < bytes.length;) {
    const tag = readVarint(bytes, at);
    const { wire, end } = readWire(bytes, tag.end, Number(tag.value & 7n));
    at = end;
    const field = fields[Number(tag.value >> 3n)];
    if (field === undefined) continue;
    const value = valueOf(field.kind, wire, depth);
    const before = message[field.name];
    message[field.name] = field.many
      ? [...(Array.isArray(before) ? (before as unknown[]) : []), value]
      : value;
  }
  return message;
}

function readVarint(bytes: Buffer, from: number): { readonly value: bigint; readonly end: number } {
  let value = 0n;
  // Ten bytes of seven bits hold 64.
  for (let i = 0; i < 10; i += 1) {
    const byte = bytes[from + i];
    if (byte === undefined) break;
    value |= BigInt(byte & 0x7f) << BigInt(7 * i);
    if (byte < 0x80) return { value: BigInt.asUintN(64, value), end: from + i + 1 };
  }
  throw new Malformed("a number has no end");
}

function readWire(bytes: Buffer, from: number, type: number): { readonly wire: Wire; readonly end: number } {
  if (type === 0) {
    const { value, end } = readVarint(bytes, from);
    return { wire: { type: "varint", value }, end };
  }
  const length = type === 2 ? readVarint(bytes, from) : { value: SIZES[type], end: from };
  if (length.value === undefined) throw new Malformed("a field is of no known type");
  const end = length.end + Number(length.value);
  if (end > bytes.length) throw new Malformed("a field is longer than what holds it");
  return { wire: { type: "bytes", value: bytes.subarray(length.end, end) }, end };
}

/** Of the types whose length is not said. */
const SIZES: Readonly<Record<number, bigint>> = { 1: 8n, 5: 4n };

function valueOf(kind: Kind, wire: Wire, depth: number): unknown {
  if (wire.type === "varint") {
    if (kind === "number") return Number(BigInt.asIntN(64, wire.value));
    if (kind === "bool") return wire.value !== 0n;
    if (kind === "big") return wholeNumber(BigInt.asIntN(64, wire.value));
    throw new Malformed("a number stands where there is none");
  }
  if (kind === "text") return wire.value.toString("utf8");
  if (kind === "hex") return wire.value.toString("hex");
  if (kind === "double" && wire.value.length === 8) return wire.value.readDoubleLE();
  if (typeof kind === "object") return readMessage(kind, wire.value, depth + 1);
  throw new Malformed("bytes stand where there are none");
}
