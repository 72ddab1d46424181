"""A tool that does all it can to get out. Each attempt prints one line: its name, then ESCAPED or what stopped it.

Run as: hostile.py '<json of what lies outside>'
"""

import ctypes
import errno
import json
import os
import platform
import socket
import struct
import sys

OUTSIDE = json.loads(sys.argv[1])
LIBC = ctypes.CDLL(None, use_errno=True)
ARM = platform.machine() == "aarch64"


def syscall(x64, arm64, *args):
    number = arm64 if ARM else x64
    if number is None:
        raise OSError(errno.ENOSYS, "not on this architecture")
    values = [ctypes.c_long(a) if isinstance(a, int) else a for a in args]
    result = LIBC.syscall(ctypes.c_long(number), *values)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


ATTEMPTS = []


def attempt(name):
    def add(function):
        ATTEMPTS.append((name, function))
        return function

    return add


def reads(path):
    def function():
        with open(path, "rb") as file:
            return file.read(64)

    return function


def writes(path, content=b"x"):
    def function():
        with open(path, "ab", buffering=0) as file:
            file.write(content)

    return function


for path in [
    OUTSIDE["canary"],
    "/proc/1/root" + OUTSIDE["canary"],
    "/proc/self/root" + OUTSIDE["canary"],
    "/workspace/../" + OUTSIDE["canary"],
    "/proc/self/cwd/../.." + OUTSIDE["canary"],
    "/etc/shadow",
    "/etc/ssh/sshd_config",
    "/etc/resolv.conf",
    "/etc/hostname",
    "/root/.bashrc",
    "/proc/%d/environ" % OUTSIDE["pid"],
    "/proc/kcore",
    "/proc/kmsg",
    "/dev/kmsg",
    "/dev/mem",
    "/dev/vda",
    "/dev/sda",
    "/sys/kernel/notes",
    "/run/docker.sock",
    "/var/run/docker.sock",
]:
    attempt("read " + path)(reads(path))

for path in [
    OUTSIDE["folder"] + "/escaped",
    "/proc/self/root" + OUTSIDE["folder"] + "/escaped",
    "/proc/sys/kernel/core_pattern",
    "/proc/sys/kernel/modprobe",
    "/proc/sys/kernel/hostname",
    "/proc/sys/vm/overcommit_memory",
    "/proc/sys/fs/binfmt_misc/register",
    "/proc/sysrq-trigger",
    "/proc/irq/0/smp_affinity",
    "/proc/self/uid_map",
    "/proc/self/setgroups",
    "/sys/fs/cgroup/release_agent",
    "/usr/bin/escaped",
    "/usr/local/escaped",
    "/etc/passwd",
    "/etc/ld.so.preload",
    "/etc/ld.so.cache",
    "/escaped",
    "/dev/escaped",
    "/home/escaped",
    "/lib/escaped",
]:
    content = b"|/workspace/x.sh" if "core_pattern" in path else b"x"
    attempt("write " + path)(writes(path, content))


@attempt("core_pattern through a mount of proc")
def _():
    os.mkdir("/tmp/proc")
    mount("proc", "/tmp/proc", "proc", 0)
    writes("/tmp/proc/sys/kernel/core_pattern")()


@attempt("lower oom score")
def _():
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write("-1000")


@attempt("see other processes")
def _():
    pids = [name for name in os.listdir("/proc") if name.isdigit()]
    if not any(pid for pid in pids if int(pid) == OUTSIDE["pid"]) and len(pids) < 8:
        raise OSError(errno.ESRCH, "only ours")


@attempt("signal the harness")
def _():
    os.kill(OUTSIDE["pid"], 0)


@attempt("find the secret in the environment")
def _():
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                text = reads("/proc/%s/environ" % name)()
            except OSError:
                continue
            if OUTSIDE["secret"].encode() in text:
                return
    if OUTSIDE["secret"] not in repr(os.environ):
        raise OSError(errno.ENOENT, "not there")


def connects(family, kind, address):
    def function():
        with socket.socket(family, kind) as s:
            s.settimeout(2)
            s.connect(address)
            s.send(b"escaped")
            if kind == socket.SOCK_DGRAM:
                s.recv(10)

    return function


PORT = OUTSIDE["port"]
for host in ["127.0.0.1", "1.1.1.1", "169.254.169.254"] + OUTSIDE["addresses"]:
    attempt("tcp to " + host)(connects(socket.AF_INET, socket.SOCK_STREAM, (host, PORT)))
    attempt("udp to " + host)(connects(socket.AF_INET, socket.SOCK_DGRAM, (host, OUTSIDE["udp"])))
attempt("tcp to ::1")(connects(socket.AF_INET6, socket.SOCK_STREAM, ("::1", PORT)))
attempt("dns by packet")(connects(socket.AF_INET, socket.SOCK_DGRAM, ("8.8.8.8", 53)))
attempt("unix socket")(connects(socket.AF_UNIX, socket.SOCK_STREAM, OUTSIDE["socket"]))
attempt("abstract socket")(connects(socket.AF_UNIX, socket.SOCK_STREAM, "\0" + OUTSIDE["abstract"]))


@attempt("dns by resolver")
def _():
    socket.getaddrinfo("example.org", 80)


for name, family, kind in [
    ("netlink", 16, socket.SOCK_RAW),
    ("packet", 17, socket.SOCK_RAW),
    ("raw", socket.AF_INET, socket.SOCK_RAW),
    ("alg", 38, socket.SOCK_SEQPACKET),
    ("vsock", 40, socket.SOCK_STREAM),
    ("bluetooth", 31, socket.SOCK_RAW),
    ("tipc", 30, socket.SOCK_RAW),
    ("can", 29, socket.SOCK_RAW),
    ("rds", 21, socket.SOCK_SEQPACKET),
    ("key", 15, socket.SOCK_RAW),
    ("xdp", 44, socket.SOCK_RAW),
]:
    attempt("socket " + name)(lambda family=family, kind=kind: socket.socket(family, kind).close())


def mount(source, target, kind, flags):
    if LIBC.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), None) < 0:
        raise OSError(ctypes.get_errno(), "mount")


attempt("mount tmpfs")(lambda: mount("none", "/tmp", "tmpfs", 0))
attempt("bind /")(lambda: mount("/", "/tmp", "", 4096))
attempt("remount / writable")(lambda: mount("", "/", "", 32))
attempt("remount /usr writable")(lambda: mount("", "/usr", "", 32 | 4096))
attempt("remount /proc/sys writable")(lambda: mount("", "/proc/sys", "", 32 | 4096))
attempt("umount /proc/sys")(lambda: syscall(166, 39, b"/proc/sys", 2))
attempt("pivot_root")(lambda: syscall(155, 41, b"/tmp", b"/tmp"))
attempt("chroot")(lambda: os.chroot("/tmp"))
attempt("fsopen")(lambda: syscall(430, 430, b"proc", 0))
attempt("open_tree")(lambda: syscall(428, 428, -100, b"/", 1))
attempt("unshare user")(lambda: syscall(272, 97, 0x10000000))
attempt("unshare mount")(lambda: syscall(272, 97, 0x00020000))
attempt("clone user")(lambda: syscall(56, 220, 0x10000000 | 17, 0, 0, 0, 0) and None)
attempt("clone3")(lambda: syscall(435, 435, 0, 0))
attempt("setns")(lambda: syscall(308, 268, os.open("/proc/1/ns/net", os.O_RDONLY), 0))
attempt("ptrace the first process")(lambda: syscall(101, 117, 16, 1, 0, 0))
attempt("ptrace the parent")(lambda: syscall(101, 117, 0x4206, os.getppid(), 0, 0))
attempt("process_vm_readv")(lambda: syscall(310, 270, 1, 0, 0, 0, 0, 0))
attempt("pidfd_getfd")(lambda: syscall(438, 438, os.pidfd_open(1), 0, 0))
attempt("setuid")(lambda: os.setuid(0))
attempt("setgroups")(lambda: os.setgroups([0]))
attempt("keyctl")(lambda: syscall(250, 219, 0, -3, 1))
attempt("add_key")(lambda: syscall(248, 217, b"user", b"x", b"x", 1, -3))
attempt("bpf")(lambda: syscall(321, 280, 0, ctypes.create_string_buffer(120), 120))
attempt("userfaultfd")(lambda: syscall(323, 282, 1))
attempt("io_uring")(lambda: syscall(425, 425, 1, ctypes.create_string_buffer(120)))
attempt("perf_event_open")(lambda: syscall(298, 241, ctypes.create_string_buffer(120), 0, -1, -1, 0))
attempt("open_by_handle_at")(lambda: syscall(304, 265, -100, ctypes.create_string_buffer(16), 0))
attempt("kexec_load")(lambda: syscall(246, 104, 0, 0, 0, 0))
attempt("reboot")(lambda: syscall(169, 142, 0xFEE1DEAD, 672274793, 0, 0))
attempt("swapoff")(lambda: syscall(168, 225, b"/swap"))
attempt("syslog")(lambda: syscall(103, 116, 3, ctypes.create_string_buffer(64), 64))
attempt("settimeofday")(lambda: syscall(164, 170, struct.pack("qq", 0, 0), 0))
attempt("sethostname")(lambda: socket.sethostname("escaped"))
attempt("shmget")(lambda: syscall(29, 194, 0, 4096, 0o1600))
attempt("memfd_create")(lambda: syscall(319, 279, b"x", 0))
attempt("a system call of the future")(lambda: syscall(460, 460, 0, 0, 0))
attempt("an x32 system call")(lambda: syscall(0x40000000 + 39, None))
attempt("mknod device")(lambda: os.mknod("/workspace/device", 0o020666, os.makedev(1, 3)))
attempt("type into the terminal")(lambda: __import__("fcntl").ioctl(0, 0x5412, b"x"))
attempt("raise the limit of processes")(
    lambda: __import__("resource").setrlimit(__import__("resource").RLIMIT_NPROC, (4096, 4096))
)
attempt("change another's priority")(lambda: os.setpriority(os.PRIO_PROCESS, 0, -5))

for name, function in ATTEMPTS:
    try:
        function()
        print(name + ": ESCAPED", flush=True)
    except (OSError, ValueError) as error:
        code = errno.errorcode.get(error.errno, str(error.errno)) if isinstance(error, OSError) else str(error)
        print(name + ": stopped by " + code, flush=True)
print("done: %d attempts" % len(ATTEMPTS))
