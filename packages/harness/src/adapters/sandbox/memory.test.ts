// What the kernel tells of memory, as it tells it.

import { expect, test } from "vitest";
import { memoryIn } from "./process-tree.ts";
import { namelessIn } from "./nameless-files.ts";
import { queuedIn, socketsIn } from "./socket-memory.ts";

const KIB = 1024;

test("what is swapped out and what maps it counts like what is resident; program files do not", () => {
  const status = `Name:\tpython3
VmPeak:\t   19548 kB
VmRSS:\t   13940 kB
RssAnon:\t    6128 kB
RssFile:\t    7812 kB
RssShmem:\t      40 kB
VmData:\t    6348 kB
VmPTE:\t      76 kB
VmSwap:\t     500 kB
Threads:\t1
`;
  expect(memoryIn(status)).toBe((6_128 + 40 + 76 + 500) * KIB);
  // A zombie has no memory, and no lines about it.
  expect(memoryIn("Name:\tpython3\nState:\tZ (zombie)\n")).toBe(0);
});

test("sockets are counted over all families, and what waits in queues of TCP on both sides", () => {
  const sockstat = "sockets: used 403\nTCP: inuse 3 orphan 0 tw 0 alloc 3 mem 2560\nUDP: inuse 0 mem 0\n";
  expect(socketsIn(sockstat)).toBe(403);
  expect(socketsIn("")).toBe(0);
  const head =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
  const row = (at: number, queues: string): string =>
    `   ${at}: 0100007F:C94F 0100007F:8D36 01 ${queues} 04:00000019 00000000     0        0 57221 2 0 20 4 30 10 -1\n`;
  expect(queuedIn(head + row(0, "0027FFA0:00000000") + row(1, "00000000:005EBC9E"))).toBe(
    0x27_ffa0 + 0x5e_bc9e,
  );
  expect(queuedIn(head)).toBe(0);
});

test("a mapping of a file without a name is told by how far it reaches; shared memory without a file is none", () => {
  const maps = `00400000-00421000 r--p 00000000 fe:01 4195 /usr/bin/python3.13
7f10c0000000-7f10c0a00000 r--s 00001000 fe:01 90211 /workspace/gone (deleted)
7f10c1000000-7f10c2000000 rw-s 00000000 00:01 33 /dev/zero (deleted)
7ffd1c000000-7ffd1c021000 rw-p 00000000 00:00 0 [stack]
`;
  expect(namelessIn(maps)).toEqual([
    { range: "7f10c0000000-7f10c0a00000", inode: 90_211, end: 0xa0_0000 + 0x1000 },
  ]);
  expect(namelessIn("")).toEqual([]);
});
