// Whatever takes without end is ended, takes nothing else with it, and leaves nothing behind.

import { readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, inject, test } from "vitest";
import type { SandboxLimits } from "../../../packages/harness/src/ports.ts";
import { openRoom, processesWith, type Room, until } from "./room.ts";

// Commands that end by a limit of time, on a machine that is busy with other tests.

const MIB = 1024 * 1024;
const SMALL: Partial<SandboxLimits> = {
  wallClockMs: 20_000,
  memoryBytes: 256 * MIB,
  diskBytes: 64 * MIB,
  fileBytes: 16 * MIB,
  diskEntries: 2_000,
  temporaryBytes: 16 * MIB,
  processes: 32,
};

let room: Room;
beforeAll(async () => {
  room = await openRoom({ "a.txt": "a\n" });
});

const python = (script: string): readonly string[] => ["/usr/bin/python3", "-c", script];

test("ten minutes of sleep end when their time is up", async () => {
  const { end, written } = await room.run(["/bin/sh", "-c", "echo x > a.txt; exec sleep 600.125"], {
    wallClockMs: 1_000,
  });
  expect(end).toEqual({ how: "timed_out" });
  // Nothing of what a killed command has begun.
  expect(written).toEqual([]);
  expect(readFileSync(join(room.tree, "a.txt"), "utf8")).toBe("a\n");
  expect(processesWith("sleep 600.125")).toEqual([]);
});

test("a caller that is called off ends the command", async () => {
  const calledOff = AbortSignal.timeout(500);
  const run = room.sandbox.run({ argv: ["sleep", "601.125"], cwd: "", signal: calledOff }, room.workspace);
  expect(await run).toMatchObject({ ok: true, value: { end: { how: "aborted" } } });
  expect(processesWith("sleep 601.125")).toEqual([]);
});

test("what can be watched no more is ended, and takes nothing of the harness with it", async () => {
  const running = room.run(["sleep", "602.125"]);
  const copy = await until(() => room.leftovers()[0] ?? null);
  // Itself, and not bubblewrap, which names it.
  await until(() => processesWith("sleep 602.125").find((line) => /^\d+ sleep/u.test(line)) ?? null);
  // As if its file system were gone: nobody could say any more how much of the disk it takes.
  renameSync(join(room.folder, copy, "tree"), join(room.folder, copy, "elsewhere"));
  await expect(running).rejects.toThrow("ENOENT");
  expect(processesWith("sleep 602.125")).toEqual([]);
  expect(room.leftovers()).toEqual([]);
});

test("called off at any moment of its start, a command ends and leaves nothing", async () => {
  for (let moment = 0; moment < 40; moment += inject("everyBreak") ? 1 : 3) {
    const stop = new AbortController();
    // Called off so many turns of the loop after the last file was copied, that is around the start.
    const abortLater = (turns: number): void => {
      if (turns === 0) stop.abort();
      else setImmediate(abortLater, turns - 1);
    };
    const run = room.sandbox.run(
      { argv: ["sleep", "608.125"], cwd: "", signal: stop.signal },
      {
        ...room.workspace,
        walk: async function* (path, signal) {
          yield* room.workspace.walk(path, signal);
          abortLater(moment * 5);
        },
      },
    );
    const ended = await run;
    if (ended.ok) expect(ended.value.end).toEqual({ how: "aborted" });
    else expect(ended.error.code).toBe("aborted");
  }
  expect(processesWith("608.125")).toEqual([]);
  expect(room.leftovers()).toEqual([]);
});

test("a process in the background does not outlive its command", async () => {
  const script = `
import os, sys, time, signal
for name in ("SIGHUP", "SIGTERM", "SIGINT"): signal.signal(getattr(signal, name), signal.SIG_IGN)
for _ in range(5):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for fd in range(0, 64):
                try: os.close(fd)
                except OSError: pass
            os.execv("/bin/sleep", ["sleep", "602.125"])
        os._exit(0)
time.sleep(0.2)
print("parent done")
`;
  const { end, stdout } = await room.run(python(script));
  expect({ end, text: stdout.text }).toEqual({ end: { how: "exited", code: 0 }, text: "parent done\n" });
  expect(processesWith("sleep 602.125")).toEqual([]);
});

test("a fork bomb meets the limit of processes", async () => {
  const script = `
import os, time
made = 0
try:
    while True:
        if os.fork() == 0:
            time.sleep(603)
        made += 1
except OSError as error:
    print("stopped after", made < 32, error.errno)
`;
  const { end, stdout } = await room.run(python(script), SMALL);
  expect({ end, text: stdout.text }).toEqual({
    end: { how: "exited", code: 0 },
    text: "stopped after True 11\n",
  });
  const shell = await room.run(["/bin/bash", "-c", ":(){ :|:& };: 2>/dev/null; sleep 604.125"], {
    ...SMALL,
    wallClockMs: 1_000,
  });
  expect(["timed_out", "exited"]).toContain(shell.end.how);
  expect(processesWith("604.125")).toEqual([]);
});

test("one command's fork bomb does not take another's processes", async () => {
  const hold = python(`
import os, time
try:
    while True:
        if os.fork() == 0: time.sleep(605.5)
except OSError: pass
time.sleep(605.5)
`);
  const stop = new AbortController();
  const request = { argv: hold, cwd: "", signal: stop.signal, limits: SMALL };
  const full = room.sandbox.run(request, room.workspace);
  await until(() => (processesWith("time.sleep(605.5)").length >= 24 ? true : null));
  const others = await Promise.all(
    Array.from(
      { length: 3 },
      async () => await room.run(python("import os; print(os.system('true'))"), SMALL),
    ),
  );
  for (const { stdout } of others) expect(stdout.text).toBe("0\n");
  stop.abort();
  expect(await full).toMatchObject({ ok: true, value: { end: { how: "aborted" } } });
});

test.each([
  ["one process", "x = bytearray(3 << 30)", "exited"],
  [
    "many processes",
    "import os, time\nfor _ in range(8):\n  if os.fork() == 0: break\nx = bytearray(80 << 20)\nfor i in range(0, len(x), 4096): x[i] = 1\ntime.sleep(606)",
    "limit",
  ],
  [
    "shared memory",
    "import mmap, time\nx = mmap.mmap(-1, 1 << 30)\nfor i in range(0, len(x), 4096): x[i] = 1\ntime.sleep(607)",
    "limit",
  ],
  // Each far below what one process may have, and none of it in what a process shows as its own.
  [
    "full sockets of many processes",
    "import os, socket, time\nfor _ in range(12):\n  if os.fork() == 0: break\nkeep = []\nwhile len(keep) < 100:\n  keep.append(socket.socketpair())\n  for one in keep[-1]:\n    one.setblocking(False)\n    try:\n      while True: one.send(bytes(65536))\n    except BlockingIOError: pass\ntime.sleep(609)",
    "limit",
  ],
  [
    "queues of TCP",
    "import socket, time\ns = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen()\nkeep = []\nfor _ in range(120):\n  one = socket.create_connection(s.getsockname()); one.setblocking(False); keep += [one, s.accept()[0]]\n  try:\n    while True: one.send(bytes(1 << 20))\n  except BlockingIOError: pass\ntime.sleep(610)",
    "limit",
  ],
  [
    "page tables of many processes",
    "import mmap, os, time\nfor _ in range(24):\n  if os.fork() == 0: break\nx = mmap.mmap(-1, 7 << 30, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, mmap.PROT_READ)\nfor i in range(0, len(x), 1 << 21): x[i]\ntime.sleep(611)",
    "limit",
  ],
])("memory of %s is limited", async (_, script, how) => {
  const { end, stderr } = await room.run(python(script), SMALL);
  expect(end.how).toBe(how);
  if (end.how === "limit") expect(end.limit).toBe("memory");
  if (end.how === "exited") expect(stderr.text).toContain("MemoryError");
});

test("no socket holds more than the kernel's usual buffers, whatever a program asks for", async () => {
  const script = `
import socket
one, other = socket.socketpair()
one.setblocking(False)
for option in (socket.SO_SNDBUF, socket.SO_RCVBUF): one.setsockopt(socket.SOL_SOCKET, option, 1 << 24)
# Another option is the program's own affair.
one.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
sent = 0
try:
    while True: sent += one.send(bytes(65536))
except BlockingIOError: print(0 < sent <= 256 * 1024, one.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))
`;
  const { stdout, stderr } = await room.run(python(script), SMALL);
  expect([stdout.text, stderr.text]).toEqual(["True 1\n", ""]);
});

test("no pipe holds pages that no process has any more", async () => {
  const script = `
import ctypes, mmap, os
libc = ctypes.CDLL(None, use_errno=True)
page = mmap.mmap(-1, 4096)
vector = (ctypes.c_size_t * 2)(ctypes.addressof(ctypes.c_char.from_buffer(page)), 4096)
print(libc.vmsplice(os.pipe()[1], vector, 1, 0), os.strerror(ctypes.get_errno()))
`;
  const { stdout, stderr } = await room.run(python(script), SMALL);
  expect([stdout.text, stderr.text]).toEqual(["-1 Function not implemented\n", ""]);
});

test.each([
  ["one file", "f = open('big', 'wb')\nwhile True: f.write(bytes(1 << 20))", "exited"],
  ["many files", "n = 0\nwhile True:\n  open(f'f{n}', 'wb').write(bytes(1 << 20)); n += 1", "limit"],
  [
    "files that have no name any more",
    "import os, time\nkeep = []\nfor _ in range(12):\n  f = open('gone', 'wb'); os.unlink('gone'); keep.append(f)\n  f.write(bytes(10 << 20)); f.flush()\ntime.sleep(612)",
    "limit",
  ],
  [
    "files without a name or a descriptor",
    "import mmap, os, time\nkeep = []\nfor _ in range(12):\n  f = open('gone', 'w+b'); os.unlink('gone'); f.write(bytes(10 << 20)); f.flush()\n  keep.append(mmap.mmap(f.fileno(), 10 << 20, access=mmap.ACCESS_READ)); f.close()\ntime.sleep(613)",
    "limit",
  ],
  ["many empty files", "n = 0\nwhile True:\n  open(f'f{n}', 'wb').close(); n += 1", "limit"],
  ["many empty files in /tmp", "n = 0\nwhile True:\n  open(f'/tmp/f{n}', 'wb').close(); n += 1", "limit"],
  ["/tmp", "f = open('/tmp/big', 'wb')\nwhile True: f.write(bytes(1 << 20))", "exited"],
  ["/dev/shm", "f = open('/dev/shm/big', 'wb')\nwhile True: f.write(bytes(1 << 20))", "exited"],
  ["deep folders", "import os\nwhile True:\n  os.mkdir('d' * 200); os.chdir('d' * 200)", "limit"],
])("disk by %s is limited", async (_, script, how) => {
  const { end, stderr, written } = await room.run(python(script), SMALL);
  expect(end.how).toBe(how);
  if (end.how === "limit") expect(end.limit).toBe("disk");
  if (end.how === "exited") expect(stderr.text).toMatch(/No space left|File too large/u);
  expect(written.filter((path) => path !== "big")).toEqual([]);
  expect(room.leftovers()).toEqual([]);
});

test("a processor hog ends by its limit of processor time", async () => {
  const { end } = await room.run(["/bin/sh", "-c", "while :; do :; done"], { ...SMALL, cpuSeconds: 1 });
  // SIGXCPU, as a shell tells it.
  expect(end).toEqual({ how: "exited", code: 128 + 24 });
});

test("a flood of output is read, kept to its beginning, and ended", async () => {
  const { end, stdout, stderr } = await room.run(["/usr/bin/yes"], { ...SMALL, outputBytes: 1_000 });
  expect(end).toEqual({ how: "limit", limit: "output" });
  expect(stdout.text).toBe("y\n".repeat(500));
  expect(stdout.bytesDropped).toBeGreaterThan(100 * MIB);
  expect(stderr).toEqual({ text: "", bytesDropped: 0 });
});

test("descriptors are limited, and a core is never written", async () => {
  const { stdout, written } = await room.run(
    ["/bin/sh", "-c", "ulimit -n; ulimit -c; python3 -c 'import os; os.abort()'; echo $?"],
    { ...SMALL, openFiles: 77 },
  );
  expect(stdout.text).toBe("77\n0\n134\n");
  expect(written).toEqual([]);
});

test("nothing is left running of all these, and nothing in the sandbox's folder", () => {
  for (const mark of [
    "time.sleep(603)",
    "time.sleep(605.5)",
    "time.sleep(606)",
    "time.sleep(607)",
    "time.sleep(609)",
    "time.sleep(610)",
    "time.sleep(611)",
    "time.sleep(612)",
    "time.sleep(613)",
    "while True",
  ])
    expect(processesWith(mark).filter((line) => line.includes("/usr/bin/python3 -c"))).toEqual([]);
  expect(room.leftovers()).toEqual([]);
});
