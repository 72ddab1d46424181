// Spec acceptance Sec4: a real hostile program, in the real sandbox, on this machine. What it says of itself is not
// believed: canaries, servers and the process table outside are looked at.

import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openFolder, openRoom, processesWith, type Room, until } from "./room.ts";

// Commands that end by a limit of time, on a machine that is busy with other tests.

const HOSTILE = readFileSync(fileURLToPath(new URL("./hostile.py", import.meta.url)), "utf8");
const CANARY = "canary-77ab: must neither be read nor changed";
const SECRET = "sk-secret-of-the-harness-31c7";
const CORE_PATTERN = "/proc/sys/kernel/core_pattern";

let room: Room;
let outside: string;
const servers: Server[] = [];
let udp: UdpSocket;
let connections = 0;
let ports: { readonly tcp: number; readonly udp: number };

async function listen(where: { readonly port: number; readonly host: string } | { readonly path: string }) {
  const server = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  servers.push(server);
  server.listen(where);
  await once(server, "listening");
  return server.address();
}

beforeAll(async () => {
  process.env["ASSENT_TEST_SECRET"] = SECRET;
  room = await openRoom({ "hostile.py": HOSTILE, "kept.txt": "kept\n" });
  outside = openFolder();
  chmodSync(outside, 0o777);
  writeFileSync(join(outside, "canary"), CANARY, { mode: 0o666 });
  const address = await listen({ port: 0, host: "0.0.0.0" });
  await listen({ path: join(outside, "socket") });
  await listen({ path: `\0assent-test-${process.pid}` });
  udp = createSocket("udp4").on("message", () => {
    connections += 1;
  });
  udp.bind(0, "0.0.0.0");
  await once(udp, "listening");
  if (address === null || typeof address === "string") throw new Error("no port");
  ports = { tcp: address.port, udp: udp.address().port };
});
afterAll(() => {
  delete process.env["ASSENT_TEST_SECRET"];
  for (const server of servers) server.close();
  udp.close();
});

const addresses = (): readonly string[] =>
  Object.values(networkInterfaces()).flatMap((list) =>
    (list ?? []).filter(({ family }) => family === "IPv4").map(({ address }) => address),
  );

test("a hostile program reaches nothing outside", async () => {
  const corePattern = readFileSync(CORE_PATTERN, "utf8");
  const told = {
    canary: join(outside, "canary"),
    folder: outside,
    pid: process.pid,
    secret: SECRET,
    port: ports.tcp,
    udp: ports.udp,
    addresses: addresses(),
    socket: join(outside, "socket"),
    abstract: `assent-test-${process.pid}`,
  };
  const { end, stdout, stderr } = await room.run(["/usr/bin/python3", "hostile.py", JSON.stringify(told)]);
  expect({ end, stderr: stderr.text }).toEqual({ end: { how: "exited", code: 0 }, stderr: "" });
  const lines = stdout.text.trim().split("\n");
  expect(lines.at(-1)).toBe(`done: ${lines.length - 1} attempts`);
  expect(lines.length).toBeGreaterThan(100);
  expect(lines.filter((line) => line.includes("ESCAPED"))).toEqual([]);
  expect(readFileSync(join(outside, "canary"), "utf8")).toBe(CANARY);
  expect(readdirSync(outside).toSorted()).toEqual(["canary", "socket"]);
  expect(readFileSync(CORE_PATTERN, "utf8")).toBe(corePattern);
  expect(connections).toBe(0);
  expect(existsSync("/usr/bin/escaped") || existsSync("/escaped") || existsSync("/usr/local/escaped")).toBe(
    false,
  );
  expect(stdout.text).not.toContain(CANARY);
});

test("the filter refuses by itself what namespaces would refuse too", async () => {
  const { stdout } = await room.run(["/usr/bin/python3", "hostile.py", JSON.stringify(TOLD_NOTHING)]);
  const by = (name: string): string =>
    stdout.text
      .split("\n")
      .find((line) => line.startsWith(`${name}: `))
      ?.slice(name.length + 2) ?? "missing";
  // What the kernel would answer without the filter is another error, or success.
  for (const family of ["netlink", "alg", "vsock", "packet"])
    expect(by(`socket ${family}`)).toBe("stopped by EAFNOSUPPORT");
  for (const name of [
    "io_uring",
    "clone3",
    "memfd_create",
    "a system call of the future",
    "an x32 system call",
  ])
    expect(by(name)).toBe("stopped by ENOSYS");
  for (const name of ["ptrace the parent", "keyctl", "shmget", "bpf", "unshare user", "clone user", "fsopen"])
    expect(by(name)).toBe("stopped by EPERM");
});

const TOLD_NOTHING = {
  canary: "/none",
  folder: "/none",
  pid: 999_999_999,
  secret: "none",
  port: 9,
  udp: 9,
  addresses: [],
  socket: "/none",
  abstract: "none",
};

test("a program without its own bits cannot become another user", async () => {
  const { stdout } = await room.run([
    "/bin/sh",
    "-c",
    "id -u; cp /bin/id idd; chmod 6755 idd; ./idd -u; rm idd; grep -E '^(Groups|NoNewPrivs)' /proc/self/status",
  ]);
  const [uid, again, groups] = stdout.text.split("\n");
  expect([uid, again]).toEqual(["1000", "1000"]);
  expect(groups).toMatch(/^Groups:\s*$/u);
});

test("seen from outside it is nobody of importance, in no group", async () => {
  const stop = new AbortController();
  const running = room.sandbox.run(
    { argv: ["sleep", "609.125"], cwd: "", signal: stop.signal },
    room.workspace,
  );
  const status = await until(() => {
    const [pid] = processesWith("sleep 609.125").filter((line) => /^\d+ sleep 609/u.test(line));
    return pid === undefined ? null : readFileSync(`/proc/${pid.split(" ")[0]}/status`, "utf8");
  });
  stop.abort();
  await running;
  const uids = /^Uid:\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)$/mu.exec(status)?.slice(1).map(Number) ?? [];
  expect(uids).toHaveLength(4);
  if (process.getuid?.() === 0) for (const uid of uids) expect(uid).toBeGreaterThan(0);
  expect(status).toMatch(/^Seccomp:\s+2$/mu);
  expect(status).toMatch(/^Groups:\s*$/mu);
});

test("what it leaves behind is not taken over, and said", async () => {
  const script = `
import os
os.symlink("/etc/passwd", "link")
os.symlink("${outside}", "link-folder")
os.symlink("kept.txt", "inner-link")
os.link("kept.txt", "hard")
os.mkfifo("pipe")
import socket
s = socket.socket(socket.AF_UNIX); s.bind("socket")
os.makedirs(".git/hooks"); open(".git/hooks/pre-commit", "w").write("#!/bin/sh\\n")
os.makedirs("sub/.GIT/hooks"); open("sub/.GIT/hooks/post-checkout", "w").write("x")
os.makedirs(".vscode"); open(".vscode/tasks.json", "w").write("{}")
os.makedirs(".Husky"); open(".Husky/pre-commit", "w").write("x")
open(".npmrc", "w").write("x"); open(".envrc", "w").write("x"); open(".gitattributes", "w").write("x")
open(b"not-utf8-\\xff", "w").write("x")
open("line\\nbreak", "w").write("x")
open("setuid", "w").write("x"); os.chmod("setuid", 0o6777)
open("large", "wb").truncate(3 * 1024 * 1024)
os.mkdir("closed"); open("closed/inside", "w").write("x"); os.chmod("closed", 0)
open("fine.txt", "w").write("fine")
`;
  const { end, stderr, written, removed, leftOver } = await room.run(["/usr/bin/python3", "-c", script]);
  expect({ end, stderr: stderr.text }).toEqual({ end: { how: "exited", code: 0 }, stderr: "" });
  expect(written).toEqual(["closed/inside", "fine.txt", "setuid"]);
  expect(removed).toEqual([]);
  const left = leftOver.map(({ path }) => path).toSorted();
  expect(left).toEqual(
    [
      ".Husky/pre-commit",
      ".envrc",
      ".git",
      ".gitattributes",
      ".npmrc",
      ".vscode/tasks.json",
      "hard",
      "inner-link",
      // Now it has a second name.
      "kept.txt",
      "large",
      "line\nbreak",
      "link",
      "link-folder",
      "not-utf8-\ufffd",
      "pipe",
      "socket",
      "sub/.GIT",
    ].toSorted(),
  );
  for (const { because } of leftOver) expect(because).not.toBe("");
  const inTree = readdirSync(room.tree, { recursive: true }).map(String).toSorted();
  expect(inTree).toEqual(["closed", "closed/inside", "fine.txt", "hostile.py", "kept.txt", "setuid"]);
  expect(statSync(join(room.tree, "setuid")).mode & 0o7777).toBe(0o644);
  expect(readFileSync(join(room.tree, "kept.txt"), "utf8")).toBe("kept\n");
});

test("what it removes is removed, but for what it may not change", async () => {
  const files = {
    "gone.txt": "x",
    "deep/er/gone.txt": "x",
    "deep/stays.txt": "x",
    ".npmrc": "x",
    "was/folder.txt": "x",
  };
  const own = await openRoom(files);
  const script = "rm -r gone.txt deep/er .npmrc was; echo now a file > was";
  const { end, removed, written, leftOver } = await own.run(["/bin/sh", "-c", script]);
  expect(end).toEqual({ how: "exited", code: 0 });
  expect(removed.toSorted()).toEqual(["deep/er/gone.txt", "gone.txt", "was/folder.txt"]);
  expect(written).toEqual(["was"]);
  expect(leftOver.map(({ path }) => path)).toEqual([".npmrc"]);
  const inTree = readdirSync(own.tree, { recursive: true }).map(String).toSorted();
  expect(inTree).toEqual([".npmrc", "deep", "deep/stays.txt", "was"]);
  const patch = Buffer.from(await own.workspace.patch()).toString();
  expect(patch).toContain("deleted file mode 100644");
  expect(patch).not.toContain("npmrc");
  // A folder that became a link hides its files, and removes none of them.
  const hidden = await own.run(["/bin/sh", "-c", "mv deep elsewhere && ln -s elsewhere deep"]);
  expect({ ...hidden, stdout: null, stderr: null }).toMatchObject({
    removed: [],
    written: ["elsewhere/stays.txt"],
  });
  expect(readFileSync(join(own.tree, "deep/stays.txt"), "utf8")).toBe("x");
});

test("archives that climb out reach nothing but the sandbox's own walls", async () => {
  const script = `
import io, os, tarfile, zipfile
def member(name, **more):
    info = tarfile.TarInfo(name)
    for key, value in more.items(): setattr(info, key, value)
    return info
with tarfile.open("slip.tar", "w") as tar:
    for name in ["../slipped", "../../slipped", "${outside}/slipped", "a/../../slipped"]:
        info = member(name, size=1); tar.addfile(info, io.BytesIO(b"x"))
    tar.addfile(member("way", type=tarfile.SYMTYPE, linkname="${outside}"))
    info = member("way/slipped", size=1); tar.addfile(info, io.BytesIO(b"x"))
    # A second name of a file outside, then written through; and one of a file inside.
    for name, target in [("second", "${outside}/canary"), ("passwd", "/etc/passwd"), ("inner", "kept.txt")]:
        tar.addfile(member(name, type=tarfile.LNKTYPE, linkname=target))
        info = member(name, size=1); tar.addfile(info, io.BytesIO(b"x"))
    # What git, an editor or a shell would run on the developer's machine.
    for name in [".git/hooks/pre-commit", ".vscode/tasks.json", ".GIT/config", "sub/.Husky/pre-push", ".envrc"]:
        info = member(name, size=1, mode=0o755); tar.addfile(info, io.BytesIO(b"x"))
    tar.addfile(member("device", type=tarfile.CHRTYPE, devmajor=1, devminor=5))
    tar.addfile(member("pipe", type=tarfile.FIFOTYPE))
    info = member("plain.txt", size=5); tar.addfile(info, io.BytesIO(b"plain"))
with zipfile.ZipFile("slip.zip", "w") as z:
    z.writestr("../slipped", "x")
    z.writestr("${outside}/slipped", "x")
    link = zipfile.ZipInfo("zip-way"); link.external_attr = 0o120777 << 16; z.writestr(link, "${outside}")
    z.writestr("zip-way/slipped", "x")
    z.writestr(".git/hooks/post-checkout", "x")
    z.writestr("from-zip.txt", "plain")
with tarfile.open("slip.tar") as tar:
    for info in tar.getmembers():
        try: tar._extract_member(info, os.path.join("/workspace", info.name))
        except Exception as error: print(info.name, error)
os.system("tar -xPf slip.tar; tar -xf slip.tar")
# As the careless unpackers do: names as they stand, links made.
with zipfile.ZipFile("slip.zip") as z:
    for info in z.infolist():
        path = os.path.join("/workspace", info.filename)
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            if info.external_attr >> 16 & 0o170000 == 0o120000: os.symlink(z.read(info).decode(), path)
            else: open(path, "wb").write(z.read(info))
        except Exception as error: print(info.filename, error)
os.remove("slip.tar"); os.remove("slip.zip")
`;
  const { end, written, removed, leftOver } = await room.run(["/usr/bin/python3", "-c", script]);
  expect(end).toEqual({ how: "exited", code: 0 });
  const left = leftOver.map(({ path }) => path);
  for (const path of [
    "way",
    "zip-way",
    ".git",
    ".GIT",
    ".vscode/tasks.json",
    "sub/.Husky/pre-push",
    ".envrc",
    "pipe",
  ])
    expect(left).toContain(path);
  const inside = `${outside.slice(1)}/slipped`;
  // Harmless ones arrive, and nothing else does. (tar drops the first slash: what was to be outside lies inside.)
  expect(written.filter((path) => !["inner", "kept.txt", "passwd", "second", inside].includes(path))).toEqual(
    ["from-zip.txt", "plain.txt"],
  );
  expect(removed).toEqual([]);
  for (const path of written) expect(statSync(join(room.tree, path)).nlink).toBe(1);
  expect(readFileSync(join(outside, "canary"), "utf8")).not.toBe("x");
  expect(readdirSync(outside).toSorted()).toEqual(["canary", "socket"]);
});

test("nothing is left of any command in the sandbox's folder", () => {
  expect(room.leftovers()).toEqual([]);
});
