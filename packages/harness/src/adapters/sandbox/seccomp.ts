// A filter of system calls as the kernel reads it: classic BPF (linux/filter.h), made here because no library for it
// comes with Node. What a namespace already walls off is refused again, one layer earlier: most escapes of the last
// years began in a system call that no build or test needs (io_uring, userfaultfd, bpf, netlink, vsock, AF_ALG).

import { assert } from "../../base/assert.ts";

type Instruction = { readonly code: number; readonly jt: number; readonly jf: number; readonly k: number };

// linux/bpf_common.h: BPF_LD|BPF_W|BPF_ABS, BPF_JMP|BPF_JEQ|BPF_K, …
const LOAD = 0x20;
const EQUALS = 0x15;
const AT_LEAST = 0x35;
const ANY_BIT = 0x45;
const RETURN = 0x06;

// struct seccomp_data: nr, arch, instruction pointer (8 bytes), six arguments (8 bytes each, low half first on both).
const NUMBER = 0;
const ARCH = 4;
const argument = (index: number): number => 16 + index * 8;

const ALLOW = 0x7fff_0000;
const KILL_PROCESS = 0x8000_0000;
const refuseWith = (errno: number): number => 0x0005_0000 + errno;
const SUCCESS = 0;
const EPERM = 1;
const ENOSYS = 38;
const EAFNOSUPPORT = 97;

export type Architecture = "x64" | "arm64";

/** linux/audit.h */
const AUDIT_ARCH: Readonly<Record<Architecture, number>> = { x64: 0xc000_003e, arm64: 0xc000_00b7 };

/** The newest call known here (futex_requeue of Linux 6.7); younger ones are as if the kernel were older. */
const NEWEST_NUMBER = 456;

type Numbers = readonly [x64: number | null, arm64: number | null];

/** Refused with EPERM. Numbers: asm/unistd_64.h and asm-generic/unistd.h. */
const FORBIDDEN: Readonly<Record<string, Numbers>> = {
  // Other processes' memory and descriptors.
  ptrace: [101, 117],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  process_madvise: [440, 440],
  kcmp: [312, 272],
  pidfd_getfd: [438, 438],
  // Keys live in the user's session, outside of every namespace.
  keyctl: [250, 219],
  add_key: [248, 217],
  request_key: [249, 218],
  // Large attack surface of the kernel.
  bpf: [321, 280],
  userfaultfd: [323, 282],
  perf_event_open: [298, 241],
  // Mounts and namespaces.
  mount: [165, 40],
  umount2: [166, 39],
  pivot_root: [155, 41],
  chroot: [161, 51],
  open_tree: [428, 428],
  move_mount: [429, 429],
  fsopen: [430, 430],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  fspick: [433, 433],
  mount_setattr: [442, 442],
  unshare: [272, 97],
  setns: [308, 268],
  name_to_handle_at: [303, 264],
  open_by_handle_at: [304, 265],
  fanotify_init: [300, 262],
  fanotify_mark: [301, 263],
  // The machine.
  reboot: [169, 142],
  swapon: [167, 224],
  swapoff: [168, 225],
  sethostname: [170, 161],
  setdomainname: [171, 162],
  iopl: [172, null],
  ioperm: [173, null],
  init_module: [175, 105],
  finit_module: [313, 273],
  delete_module: [176, 106],
  create_module: [174, null],
  kexec_load: [246, 104],
  kexec_file_load: [320, 294],
  acct: [163, 89],
  quotactl: [179, 60],
  quotactl_fd: [443, 443],
  syslog: [103, 116],
  vhangup: [153, 58],
  settimeofday: [164, 170],
  clock_settime: [227, 112],
  clock_adjtime: [305, 266],
  adjtimex: [159, 171],
  modify_ldt: [154, null],
  uselib: [134, null],
  personality: [135, 92],
  lookup_dcookie: [212, 18],
  nfsservctl: [180, 42],
  move_pages: [279, 239],
  migrate_pages: [256, 238],
  // Memory that no process shows as its own, so that no limit here would see it.
  shmget: [29, 194],
  msgget: [68, 186],
};

/** Refused with ENOSYS, so that libraries fall back to the older call. */
const UNKNOWN: Readonly<Record<string, Numbers>> = {
  io_uring_setup: [425, 425],
  io_uring_enter: [426, 426],
  io_uring_register: [427, 427],
  // Its flags lie in memory, where a filter cannot look; clone has them in a register.
  clone3: [435, 435],
  // As shmget: held by a descriptor alone.
  memfd_create: [319, 279],
  memfd_secret: [447, 447],
  // Pages, huge ones too, that only a pipe holds once their process has let go of them.
  vmsplice: [278, 75],
};

const CLONE: Numbers = [56, 220];
const SOCKET: Numbers = [41, 198];
const SOCKETPAIR: Numbers = [53, 199];
const IOCTL: Numbers = [16, 29];
const SETSOCKOPT: Numbers = [54, 208];

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET (linux/sched.h). */
const NEW_NAMESPACE = 0x7e02_0000;
/** AF_UNIX, AF_INET, AF_INET6: of the sandbox's own, empty network. */
const FAMILIES: readonly number[] = [1, 2, 10];
const SOL_SOCKET = 1;
/**
 * SO_SNDBUF, SO_RCVBUF, and the same by force. They are a wish that the kernel may cut, so it is answered as granted: the
 * limit of memory counts a socket by its usual buffers (socket-memory.ts), and what is wider it would not see.
 */
const BUFFER_SIZES: readonly number[] = [7, 8, 32, 33];
/** TIOCSTI and TIOCLINUX type into the terminal of whoever started us. */
const TERMINAL_INPUT: readonly number[] = [0x5412, 0x541c];

const numberFor = ([x64, arm64]: Numbers, architecture: Architecture): number | null =>
  architecture === "x64" ? x64 : arm64;

const statement = (code: number, k: number): Instruction => ({ code, jt: 0, jf: 0, k });
const jump = (code: number, k: number, jt: number, jf: number): Instruction => ({ code, jt, jf, k });

/** Two instructions a call, and no jump over more than one: offsets cannot overflow however long the list grows. */
const refuseNumber = (number: number, errno: number): readonly Instruction[] => [
  jump(EQUALS, number, 0, 1),
  statement(RETURN, refuseWith(errno)),
];

function refuseNumbers(
  calls: Readonly<Record<string, Numbers>>,
  architecture: Architecture,
  errno: number,
): readonly Instruction[] {
  return Object.values(calls).flatMap((numbers) => {
    const number = numberFor(numbers, architecture);
    return number === null ? [] : refuseNumber(number, errno);
  });
}

// A block that is passed over unless the call is the one it is about; inside it ends for good.
function forCall(
  numbers: Numbers,
  architecture: Architecture,
  block: readonly Instruction[],
): readonly Instruction[] {
  const number = numberFor(numbers, architecture);
  assert(number !== null, "calls that are looked into exist on every architecture");
  return [jump(EQUALS, number, 0, block.length), ...block];
}

const onlyFamilies: readonly Instruction[] = [
  statement(LOAD, argument(0)),
  ...FAMILIES.flatMap((family) => [jump(EQUALS, family, 0, 1), statement(RETURN, ALLOW)]),
  statement(RETURN, refuseWith(EAFNOSUPPORT)),
];

const noNamespaces: readonly Instruction[] = [
  statement(LOAD, argument(0)),
  jump(ANY_BIT, NEW_NAMESPACE, 0, 1),
  statement(RETURN, refuseWith(EPERM)),
  statement(RETURN, ALLOW),
];

const noWiderBuffers: readonly Instruction[] = [
  statement(LOAD, argument(1)),
  jump(EQUALS, SOL_SOCKET, 1, 0),
  statement(RETURN, ALLOW),
  statement(LOAD, argument(2)),
  ...BUFFER_SIZES.flatMap((option) => refuseNumber(option, SUCCESS)),
  statement(RETURN, ALLOW),
];

const noTerminalInput: readonly Instruction[] = [
  statement(LOAD, argument(1)),
  ...TERMINAL_INPUT.flatMap((request) => refuseNumber(request, EPERM)),
  statement(RETURN, ALLOW),
];

function instructionsFor(architecture: Architecture): readonly Instruction[] {
  return [
    // Another architecture's numbers mean other calls (32-bit programs on a 64-bit kernel).
    statement(LOAD, ARCH),
    jump(EQUALS, AUDIT_ARCH[architecture], 1, 0),
    statement(RETURN, KILL_PROCESS),
    statement(LOAD, NUMBER),
    // Also every x32 number: they carry bit 30.
    jump(AT_LEAST, NEWEST_NUMBER + 1, 0, 1),
    statement(RETURN, refuseWith(ENOSYS)),
    ...refuseNumbers(FORBIDDEN, architecture, EPERM),
    ...refuseNumbers(UNKNOWN, architecture, ENOSYS),
    ...forCall(SOCKET, architecture, onlyFamilies),
    ...forCall(SOCKETPAIR, architecture, onlyFamilies),
    ...forCall(CLONE, architecture, noNamespaces),
    ...forCall(IOCTL, architecture, noTerminalInput),
    ...forCall(SETSOCKOPT, architecture, noWiderBuffers),
    statement(RETURN, ALLOW),
  ];
}

/** @returns an array of struct sock_filter, little-endian as both architectures are: for `bwrap --seccomp` */
export function seccompProgram(architecture: Architecture): Uint8Array {
  const instructions = instructionsFor(architecture);
  const program = Buffer.alloc(instructions.length * 8);
  for (const [index, { code, jt, jf, k }] of instructions.entries()) {
    program.writeUInt16LE(code, index * 8);
    program.writeUInt8(jt, index * 8 + 2);
    program.writeUInt8(jf, index * 8 + 3);
    program.writeUInt32LE(k, index * 8 + 4);
  }
  return program;
}

/** By name, what is refused on an architecture: for tests that hold the tables against the kernel's headers. */
export function refusedCalls(architecture: Architecture): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const [name, numbers] of Object.entries({ ...FORBIDDEN, ...UNKNOWN })) {
    const number = numberFor(numbers, architecture);
    if (number !== null) found.set(name, number);
  }
  return found;
}
