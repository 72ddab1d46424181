// Our own list of arguments for bubblewrap. What is not named here does not exist inside.

import { lstatSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { systemCode } from "../files/file-error.ts";
import type { SandboxLimits } from "../../ports.ts";

/** Whom programs see themselves as, whoever they are outside. */
const INNER_ID = 1_000;

export const INNER_WORKSPACE = "/workspace";
const INNER_HOME = "/home/tool";

/** Descriptors that bubblewrap itself reads and writes; it closes both before the command starts. */
export const SECCOMP_FD = 3;
export const INFO_FD = 4;

/** Never searched in PATH: whoever can change that could give us another program. */
export const BUBBLEWRAP_PLACES: readonly string[] = ["/usr/bin/bwrap", "/usr/local/bin/bwrap", "/bin/bwrap"];
/** Of util-linux; it is found inside, where only system folders are. */
export const LIMITER = "/usr/bin/prlimit";
/** Makes the command the first that the kernel ends when memory runs out. */
export const OOM_PREFERRER = "/usr/bin/choom";

/** Files of /etc in the sandbox; nothing of the machine's own users, hosts or name servers. */
export const INNER_ETC: Readonly<Record<string, string>> = {
  passwd: `tool:x:${INNER_ID}:${INNER_ID}:tool:${INNER_HOME}:/bin/sh\nnobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n`,
  group: `tool:x:${INNER_ID}:\nnogroup:x:65534:\n`,
  hosts: "127.0.0.1 localhost\n::1 localhost\n",
  "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
};

/** What the dynamic linker and Debian's alternatives need. Programs only, no settings and no names. */
const MACHINE_ETC: readonly string[] = ["ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives"];

const SYSTEM_LINKS: readonly string[] = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"];

export type Layout = {
  /** The copy of the workspace: all that is writable and outlives the command. */
  readonly tree: string;
  /** Holds the files of INNER_ETC. */
  readonly etc: string;
  /** Folders with programs beyond the system's own, visible under their own paths, read-only. */
  readonly toolchains: readonly string[];
};

/** @param cwd below the workspace, checked; empty for its root */
export function bubblewrapArguments(
  layout: Layout,
  limits: SandboxLimits,
  cwd: string,
  argv: readonly string[],
): readonly string[] {
  const temporary = ["--size", String(limits.temporaryBytes), "--tmpfs"];
  return [
    // Named beside --unshare-all, which would go on without a user namespace where there can be none.
    "--unshare-user",
    "--unshare-all",
    "--disable-userns",
    "--die-with-parent",
    "--new-session",
    "--clearenv",
    ["--cap-drop", "ALL"],
    ["--uid", String(INNER_ID), "--gid", String(INNER_ID)],
    ["--hostname", "sandbox"],
    ["--ro-bind", "/usr", "/usr"],
    ...systemFolders(),
    ...etcFiles(layout.etc),
    ...layout.toolchains.flatMap((folder) => ["--ro-bind", folder, folder]),
    ["--proc", "/proc"],
    // Without this, outer root could write here from inside (spec security 5); for all others a second lock.
    ["--ro-bind", "/proc/sys", "/proc/sys"],
    ["--dev", "/dev"],
    ["--perms", "1777", ...temporary, "/dev/shm"],
    ["--remount-ro", "/dev"],
    ["--perms", "1777", ...temporary, "/tmp"],
    ["--perms", "0700", ...temporary, INNER_HOME],
    ["--bind", layout.tree, INNER_WORKSPACE],
    // Bubblewrap's root is a tmpfs without a size: writable, it could be filled until memory ends.
    ["--remount-ro", "/"],
    ...environment(),
    ["--chdir", cwd === "" ? INNER_WORKSPACE : `${INNER_WORKSPACE}/${cwd}`],
    ["--seccomp", String(SECCOMP_FD), "--info-fd", String(INFO_FD)],
    "--",
    [OOM_PREFERRER, "-n", "1000", "--"],
    [LIMITER, ...kernelLimits(limits), "--"],
    ...argv,
  ].flat();
}

// Set inside: the count of processes then is of this user namespace alone, so that one command's fork bomb does not
// take the processes of another that runs as the same user.
function kernelLimits(limits: SandboxLimits): readonly string[] {
  return [
    `--as=${limits.addressSpaceBytes}`,
    `--data=${limits.memoryBytes}`,
    `--nproc=${limits.processes}`,
    `--nofile=${limits.openFiles}`,
    `--fsize=${limits.fileBytes}`,
    // One second between the signal that can be handled and the one that cannot.
    `--cpu=${limits.cpuSeconds}:${limits.cpuSeconds + 1}`,
    "--core=0",
    "--memlock=65536",
    "--msgqueue=0",
    "--rtprio=0",
  ];
}

function environment(): readonly string[] {
  const variables: Readonly<Record<string, string>> = {
    PATH: "/usr/local/bin:/usr/bin:/bin",
    HOME: INNER_HOME,
    USER: "tool",
    TMPDIR: "/tmp",
    LANG: "C.UTF-8",
    TZ: "UTC",
  };
  return Object.entries(variables).flatMap(([name, value]) => ["--setenv", name, value]);
}

// On most systems links into /usr, on others folders of their own.
function systemFolders(): readonly string[] {
  return SYSTEM_LINKS.flatMap((name) => {
    const path = `/${name}`;
    const kind = kindOf(path);
    if (kind === "link") return ["--symlink", readlinkSync(path), path];
    return kind === "folder" ? ["--ro-bind", path, path] : [];
  });
}

function etcFiles(etc: string): readonly string[] {
  return [
    ["--dir", "/etc"],
    ...Object.keys(INNER_ETC).flatMap((name) => ["--ro-bind", join(etc, name), `/etc/${name}`]),
    ...MACHINE_ETC.flatMap((name) => ["--ro-bind-try", `/etc/${name}`, `/etc/${name}`]),
  ].flat();
}

function kindOf(path: string): "link" | "folder" | "none" {
  try {
    const found = lstatSync(path);
    if (found.isSymbolicLink()) return "link";
    return found.isDirectory() ? "folder" : "none";
  } catch (error) {
    if (systemCode(error) === "ENOENT") return "none";
    throw error;
  }
}
