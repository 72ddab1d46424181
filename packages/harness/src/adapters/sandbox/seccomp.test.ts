// The filter, run by a small machine of our own for both architectures: the kernel at hand can only prove one.

import { expect, test } from "vitest";
import { type Architecture, refusedCalls, seccompProgram } from "./seccomp.ts";

const AUDIT_ARCH = { x64: 0xc000_003e, arm64: 0xc000_00b7 } as const;
const ALLOW = 0x7fff_0000;
const KILL = 0x8000_0000;
const EPERM = 0x0005_0001;
const ENOSYS = 0x0005_0026;
const EAFNOSUPPORT = 0x0005_0061;

type Call = { readonly number: number; readonly arch: number; readonly args?: readonly number[] };

/** Classic BPF as seccomp permits it (linux/bpf_common.h); any other instruction is an error, as in the kernel. */
function decide(program: Uint8Array, { number, arch, args = [] }: Call): number {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(number >>> 0, 0);
  data.writeUInt32LE(arch >>> 0, 4);
  for (const [index, value] of args.entries()) data.writeUInt32LE(value >>> 0, 16 + index * 8);
  const code = Buffer.from(program);
  let accumulator = 0;
  for (let at = 0; at < code.length / 8; at += 1) {
    const [operation, yes, no, k] = [
      code.readUInt16LE(at * 8),
      code.readUInt8(at * 8 + 2),
      code.readUInt8(at * 8 + 3),
      code.readUInt32LE(at * 8 + 4),
    ];
    if (operation === 0x20) accumulator = data.readUInt32LE(k);
    else if (operation === 0x15) at += accumulator === k ? yes : no;
    else if (operation === 0x35) at += accumulator >= k ? yes : no;
    else if (operation === 0x45) at += (accumulator & k) === 0 ? no : yes;
    else if (operation === 0x06) return k;
    else throw new Error(`no instruction of ours: ${operation}`);
  }
  throw new Error("the program has no end");
}

const ARCHITECTURES: readonly Architecture[] = ["x64", "arm64"];

test.each(ARCHITECTURES)("every call of the list is refused on %s", (architecture) => {
  const program = seccompProgram(architecture);
  const refused = refusedCalls(architecture);
  expect(refused.size).toBeGreaterThan(55);
  // Two names with one number: one of them is a mistake.
  expect(new Set(refused.values()).size).toBe(refused.size);
  for (const number of refused.values())
    expect([EPERM, ENOSYS]).toContain(decide(program, { number, arch: AUDIT_ARCH[architecture] }));
});

test.each([
  ["x64", "read", 0],
  ["x64", "openat", 257],
  ["x64", "execve", 59],
  ["x64", "wait4", 61],
  ["x64", "prlimit64", 302],
  ["x64", "futex", 202],
  ["x64", "statx", 332],
  ["arm64", "read", 63],
  ["arm64", "openat", 56],
  ["arm64", "execve", 221],
  ["arm64", "wait4", 260],
  ["arm64", "prlimit64", 261],
  ["arm64", "futex", 98],
  ["arm64", "statx", 291],
] as const)("on %s programs can %s", (architecture, _, number) => {
  expect(decide(seccompProgram(architecture), { number, arch: AUDIT_ARCH[architecture] })).toBe(ALLOW);
});

test.each([
  ["x64", 41, 53, 56, 16],
  ["arm64", 198, 199, 220, 29],
] as const)(
  "on %s sockets, namespaces and terminals are looked into",
  (architecture, socket, pair, clone, ioctl) => {
    const program = seccompProgram(architecture);
    const ask = (number: number, ...args: readonly number[]): number =>
      decide(program, { number, arch: AUDIT_ARCH[architecture], args });
    for (let family = 0; family < 64; family += 1) {
      const expected = [1, 2, 10].includes(family) ? ALLOW : EAFNOSUPPORT;
      expect([ask(socket, family), ask(pair, family)]).toEqual([expected, expected]);
    }
    for (const flag of [0x2_0000, 0x200_0000, 0x400_0000, 0x800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000])
      expect(ask(clone, flag | 17)).toBe(EPERM);
    // Threads, as libraries make them.
    expect(ask(clone, 0x3d_0f00)).toBe(ALLOW);
    expect(ask(ioctl, 0, 0x5412)).toBe(EPERM);
    expect(ask(ioctl, 0, 0x541c)).toBe(EPERM);
    expect(ask(ioctl, 0, 0x5413)).toBe(ALLOW);
  },
);

test.each([
  ["x64", 54],
  ["arm64", 208],
] as const)(
  "on %s a wish for wider buffers is answered as granted, and not granted",
  (architecture, number) => {
    const program = seccompProgram(architecture);
    const ask = (level: number, option: number): number =>
      decide(program, { number, arch: AUDIT_ARCH[architecture], args: [3, level, option] });
    const granted = 0x0005_0000;
    for (let option = 0; option < 80; option += 1) {
      expect([option, ask(1, option)]).toEqual([option, [7, 8, 32, 33].includes(option) ? granted : ALLOW]);
      // The same numbers mean other options of other protocols.
      expect(ask(6, option)).toBe(ALLOW);
    }
  },
);

test("calls by another architecture's numbers end the process, younger ones are unknown", () => {
  for (const architecture of ARCHITECTURES) {
    const program = seccompProgram(architecture);
    for (const arch of [0x4000_0003, 0x4000_0028, 0, AUDIT_ARCH[architecture === "x64" ? "arm64" : "x64"]])
      expect(decide(program, { number: 0, arch })).toBe(KILL);
    for (const number of [457, 460, 512, 0x4000_0000, 0x4000_0029, 0xffff_ffff])
      expect(decide(program, { number, arch: AUDIT_ARCH[architecture] })).toBe(ENOSYS);
  }
});
