// Whether the sandbox really blocks, here and now: asked of a program inside it before any command is offered. Kernel
// settings, container runtimes and a changed bubblewrap all can take a wall away without any error.

import { readlinkSync } from "node:fs";
import { err, ok, type Result } from "../../base/result.ts";
import type { ContainedEnd } from "./contained-process.ts";
import type { SandboxRefusal } from "./refusal.ts";

const NAMESPACES = ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"] as const;

/** Run as `sh -c PROBE probe <canary> <new file beside it>`; one finding a line. */
export const PROBE: string = `
echo alive
echo took-over > /workspace/probe
cat "$1" && echo BROKEN reads a file outside
( : > "$2" ) && echo BROKEN writes a file outside
for f in /etc/passwd /usr/.probe /probe /dev/probe /proc/sys/kernel/core_pattern /proc/sysrq-trigger
do ( : >> "$f" ) && echo "BROKEN writes $f"; done
( : > /tmp/probe ) || echo BROKEN has no temporary folder
for n in ${NAMESPACES.join(" ")}
do echo "namespace $n $(readlink /proc/self/ns/$n)"; done
while read -r name rest
do case "$name" in Uid:|CapEff:|CapPrm:|CapBnd:|NoNewPrivs:|Seccomp:) echo "status $name $rest";; esac
done < /proc/self/status
{ read -r a; read -r b; while read -r name rest; do echo "interface $name"; done; } < /proc/net/dev
for v in $(env | cut -d= -f1); do echo "variable $v"; done
for f in /proc/self/fd/*; do echo "descriptor \${f##*/} $(readlink $f)"; done
echo "files $(ulimit -n)"
echo end
`;

export const PROBE_FILES_MAX = 64;

const VARIABLES: readonly string[] = [
  "PATH",
  "HOME",
  "USER",
  "TMPDIR",
  "LANG",
  "TZ",
  "PWD",
  "OLDPWD",
  "SHLVL",
  "_",
];

/** What the probe has done, seen from outside. */
export type ProbeTrace = {
  /** What it is to leave in its workspace, as it was found there. */
  readonly written: string | null;
  /** Whether the file is there that it must not make. */
  readonly escaped: boolean;
  /** Who owns what it wrote: as whom it really ran, whatever it sees itself as. */
  readonly uid: number | null;
};

export function judgeProbe(result: ContainedEnd, trace: ProbeTrace): Result<null, SandboxRefusal> {
  const lines = result.stdout.text.split("\n");
  if (!lines.includes("alive")) return err(neverRan(result));
  const wrong = findingsOf(lines);
  if (trace.uid === 0) wrong.push("it runs as the machine's root");
  if (trace.escaped) wrong.push("it writes a file outside");
  if (trace.written !== "took-over\n") wrong.push("what a command writes does not arrive");
  if (lines.at(-2) !== "end") wrong.push("the probe did not end");
  if (wrong.length === 0) return ok(null);
  return err({
    reason: "does_not_block",
    message: `the sandbox does not hold on this machine: ${wrong.slice(0, 5).join("; ")}`,
    remedy: "run on a Linux with namespaces and seccomp, and outside of container runtimes that replace them",
  });
}

function neverRan(result: ContainedEnd): SandboxRefusal {
  const said = result.stderr.text.trim().split("\n").at(-1) ?? "";
  return {
    reason: "namespaces_forbidden",
    message: `bubblewrap cannot start a command here: ${said.slice(0, 300) || "it said nothing"}`,
    remedy:
      "allow unprivileged user namespaces (sysctl user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns; a container runtime's own seccomp profile), and let the sandbox's folder be entered by its user",
  };
}

function findingsOf(lines: readonly string[]): string[] {
  const wrong = lines.filter((line) => line.startsWith("BROKEN ")).map((line) => line.slice(7));
  const values = (word: string): readonly string[] =>
    lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));
  const namespaces = new Map(
    values("namespace").map((value) => [value.split(" ")[0] ?? "", value.split(" ")[1] ?? ""]),
  );
  for (const name of NAMESPACES) {
    const inside = namespaces.get(name) ?? "";
    if (!inside.startsWith(`${name}:[`) || inside === readlinkSync(`/proc/self/ns/${name}`))
      wrong.push(`it shares the ${name} namespace`);
  }
  const status = new Map(
    values("status").map((value) => [value.split(/[:\s]+/u)[0] ?? "", value.split(/\s+/u)[1] ?? ""]),
  );
  const expected: Readonly<Record<string, string>> = { NoNewPrivs: "1", Seccomp: "2" };
  for (const [name, value] of Object.entries(expected))
    if (status.get(name) !== value) wrong.push(`${name} is ${status.get(name) ?? "missing"}`);
  for (const name of ["CapEff", "CapPrm", "CapBnd"])
    if (!/^0+$/u.test(status.get(name) ?? "")) wrong.push(`it has capabilities (${name})`);
  if (!/^[1-9]\d*$/u.test(status.get("Uid") ?? "")) wrong.push("it is root inside");
  if (values("interface").some((name) => name !== "lo:")) wrong.push("it has a network interface");
  // Anything but nothing above the standard three was ours; one without a target was the shell's, for the listing.
  if (values("descriptor").some((value) => !/^[0-2] |^\d+ (?:\/dev\/null)?$/u.test(value)))
    wrong.push("it has descriptors of ours");
  const strange = values("variable").filter((name) => !VARIABLES.includes(name));
  if (strange.length > 0) wrong.push("it sees variables of our environment");
  if (values("files").join() !== String(PROBE_FILES_MAX)) wrong.push("limits do not reach it");
  return wrong;
}
