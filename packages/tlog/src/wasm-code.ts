// Instructions of WebAssembly as bytes, by the names that the modules here use; they are written out instruction by
// instruction, since nothing here has a build step. https://webassembly.github.io/spec/core/binary/

/** Bytes, and codes within codes: what is put together of many parts is laid one behind the other once, at the end. */
export type Code = readonly (number | Code)[];

function flat(code: Code, into: number[] = []): number[] {
  for (const part of code)
    if (typeof part === "number") into.push(part);
    else flat(part, into);
  return into;
}

function unsigned(value: number): number[] {
  if (value >= 0 && value < 0x80) return [value];
  const bytes: number[] = [];
  let rest = value >>> 0;
  do {
    const low = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest === 0 ? low : low | 0x80);
  } while (rest !== 0);
  return bytes;
}

function signed(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value | 0; ;) {
    const low = rest & 0x7f;
    rest >>= 7;
    const isLast = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0);
    bytes.push(isLast ? low : low | 0x80);
    if (isLast) return bytes;
  }
}

export const get = (local: number): Code => [0x20, unsigned(local)];
export const set = (local: number): Code => [0x21, unsigned(local)];
export const constant = (value: number): Code => [0x41, signed(value)];
export const vector = (opcode: number, ...immediate: readonly number[]): Code => [
  0xfd,
  unsigned(opcode),
  immediate,
];
export const plus = (a: Code, b: Code): Code => [a, b, 0x6a];
export const isBelow = (a: Code, b: Code): Code => [a, b, 0x48];
export const timesPowerOfTwo = (a: Code, bits: number): Code => [a, constant(bits), 0x74];
export const byPowerOfTwo = (a: Code, bits: number): Code => [a, constant(bits), 0x76];
/** The body again and again while the condition after it is not 0. */
export const repeat = (body: Code, condition: Code): Code => [0x03, 0x40, body, condition, 0x0d, 0, END];
export const END = 0x0b;
const MAGIC_AND_VERSION: Code = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
/** Alignment 1 and an offset: what an access is given beside its address. */
const at = (offset: number): number[] => [0, ...unsigned(offset)];
export const loadByte = (address: Code, offset: number): Code => [address, 0x2d, at(offset)];
export const loadNumber = (address: Code, offset: number): Code => [address, 0x28, at(offset)];
export const load = (address: Code, offset: number): Code => [address, [0xfd, 0x00, at(offset)]];
export const loadSplat = (address: Code, offset: number): Code => [address, [0xfd, 0x09, at(offset)]];
export const store = (address: Code, offset: number, value: Code): Code => [
  address,
  value,
  [0xfd, 0x0b, at(offset)],
];
export const splat = (value: number): Code => [constant(value), vector(0x11)];
export const add = (a: Code, ...others: readonly Code[]): Code => [
  a,
  ...others.map((other) => [other, vector(0xae)]),
];
export const xor = (a: Code, b: Code): Code => [a, b, vector(0x51)];
export const or = (a: Code, b: Code): Code => [a, b, vector(0x50)];
/** Bits of `a` where the mask has a one, of `b` where it has a zero. */
export const choose = (a: Code, b: Code, mask: Code): Code => [a, b, mask, vector(0x52)];
export const shiftRight = (a: Code, bits: number): Code => [a, constant(bits), vector(0xad)];
export const shiftLeft = (a: Code, bits: number): Code => [a, constant(bits), vector(0xab)];
export const rotate = (a: Code, bits: number): Code => or(shiftRight(a, bits), shiftLeft(a, 32 - bits));
export const and = (a: Code, b: Code): Code => [a, b, vector(0x4e)];
/** Byte by byte: the difference; all ones where a is at most b, both without a sign; 1 where no byte is zero. */
export const minusBytes = (a: Code, b: Code): Code => [a, b, vector(0x71)];
export const isAtMostBytes = (a: Code, b: Code): Code => [a, b, vector(0x2a)];
export const isEveryByte = (a: Code): Code => [a, vector(0x63)];
/** Of each place the byte of `a` that the place's byte names; 0 where it names none of the sixteen. */
export const swizzle = (a: Code, places: Code): Code => [a, places, vector(0x0e)];
/** `a` where the condition is not 0, else `b`. */
export const either = (a: Code, b: Code, condition: Code): Code => [a, b, condition, 0x1b];
export const shuffle = (a: Code, b: Code, lanes: readonly number[]): Code => [a, b, vector(0x0d, ...lanes)];

const NUMBER = 0x7f;
const VECTOR = 0x7b;
const list = (items: readonly Code[]): Code => [unsigned(items.length), items];
const sized = (content: Code): Code => {
  const bytes = flat(content);
  return [unsigned(bytes.length), bytes];
};
const section = (id: number, content: Code): Code => [id, sized(content)];
const text = (name: string): Code => sized(Array.from(name).map((letter) => letter.codePointAt(0) ?? 0));

/** A function of numbers, exported by its name. Its locals are its parameters, then numbers, then vectors. */
export type WasmFunction = {
  readonly name: string;
  readonly parameters: number;
  /** Whether it gives a number back. */
  readonly isAnswering?: boolean;
  readonly numbers: number;
  readonly vectors: number;
  readonly code: Code;
};

export type WasmParts = {
  /** The exported `memory`, in pages of 64 KB. */
  readonly pages: number;
  readonly functions: readonly WasmFunction[];
  readonly data?: { readonly at: number; readonly bytes: Code };
};

/** A whole module. */
function moduleOf({ pages, functions, data }: WasmParts): Uint8Array {
  const types = functions.map(({ parameters, isAnswering }) => [
    0x60,
    ...list(Array.from({ length: parameters }, () => [NUMBER])),
    ...list(isAnswering === true ? [[NUMBER]] : []),
  ]);
  const bodies = functions.map(({ numbers, vectors, code }) =>
    sized([
      list([
        [unsigned(numbers), NUMBER],
        [unsigned(vectors), VECTOR],
      ]),
      code,
    ]),
  );
  return Uint8Array.from(
    flat([
      ...MAGIC_AND_VERSION,
      ...section(1, list(types)),
      ...section(3, list(functions.map((_, i) => unsigned(i)))),
      ...section(5, list([[0, ...unsigned(pages)]])),
      ...section(
        7,
        list([
          [...text("memory"), 2, 0],
          ...functions.map(({ name }, i) => [...text(name), 0, ...unsigned(i)]),
        ]),
      ),
      ...section(10, list(bodies)),
      ...(data === undefined ? [] : section(11, list([[0, constant(data.at), END, sized(data.bytes)]]))),
    ]),
  );
}

// The platform has it, the language's own library of types does not.
declare const WebAssembly: {
  validate(module: Uint8Array): boolean;
  Module: new (module: Uint8Array) => object;
  Instance: new (module: object) => { readonly exports: Readonly<Record<string, unknown>> };
};

type Numbers = (...values: number[]) => number;
const isFunction = (value: unknown): value is Numbers => typeof value === "function";

export type WasmInstance = { readonly memory: ArrayBuffer; readonly functions: readonly Numbers[] };

const compiled = new WeakMap<WasmParts, object | null>();

function compile(parts: WasmParts): object | null {
  const module = moduleOf(parts);
  return WebAssembly.validate(module) ? new WebAssembly.Module(module) : null;
}

/**
 * The module's memory and its functions in their order; null where the platform has no vectors.
 * @param parts compiled once, however often it is given
 */
export function instantiate(parts: WasmParts): WasmInstance | null {
  const known = compiled.get(parts);
  const module = known === undefined ? compile(parts) : known;
  compiled.set(parts, module);
  if (module === null) return null;
  const { exports } = new WebAssembly.Instance(module);
  const memory = exports["memory"];
  const buffer: unknown =
    typeof memory === "object" && memory !== null ? Reflect.get(memory, "buffer") : null;
  const functions = parts.functions.map(({ name }) => exports[name]).filter(isFunction);
  return buffer instanceof ArrayBuffer && functions.length === parts.functions.length
    ? { memory: buffer, functions }
    : null;
}
