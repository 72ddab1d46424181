"""One long-lived node child per process that runs the library; calls are lines of JSON."""

from __future__ import annotations

import atexit
import itertools
import json
import os
import pathlib
import subprocess
import sys
import threading
from typing import Any

_HERE = pathlib.Path(__file__).resolve().parents[2]
_REPOSITORY = _HERE.parents[2]
# The node that the repository brings along; the machine's own may be older than the library needs.
_NODE = os.environ.get("ASSENT_NODE") or str(_REPOSITORY / "node_modules" / ".bin" / "node")

_lock = threading.Lock()
_ids = itertools.count(1)
_child: subprocess.Popen[str] | None = None
_owner = 0
# Calls whose answers were foretold here and that the library has not answered yet.
_foretold: list[tuple[str, tuple[Any, ...], Any]] = []


class AlreadyResolvedError(ValueError):
    """The library's `already_resolved`."""


def _start() -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [_NODE, "--conditions=assent-source", str(_HERE / "bridge.ts")],
        cwd=_REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    atexit.register(child.kill)
    atexit.register(_settle)
    return child


def _exchange(calls: list[tuple[str, tuple[Any, ...]]]) -> list[dict[str, Any]]:
    """The library's answers to these calls, in order."""
    global _child, _owner
    # A forked process must not write into its parent's pipes.
    if _child is None or _owner != os.getpid():
        _child, _owner = _start(), os.getpid()
    assert _child.stdin is not None and _child.stdout is not None
    lines = [json.dumps({"id": next(_ids), "name": name, "args": args}) + "\n" for name, args in calls]
    _child.stdin.write("".join(lines))
    _child.stdin.flush()
    answers = [_child.stdout.readline() for _ in lines]
    if not all(answers):
        raise RuntimeError("the library's process ended")
    return [json.loads(line) for line in answers]


def _check(foretold: list[tuple[str, tuple[Any, ...], Any]], answers: list[dict[str, Any]]) -> None:
    for (name, args, value), answer in zip(foretold, answers, strict=True):
        if answer.get("value") != value:
            raise RuntimeError(f"{name}{args}: foretold {value}, the library answers {answer}")


def _settle() -> None:
    """Nothing foretold stays unchecked: a process that said what the library does not say ends with an error."""
    foretold = list(_foretold)
    if not foretold or _owner != os.getpid():
        return
    _foretold.clear()
    try:
        _check(foretold, _exchange([(name, args) for name, args, _ in foretold]))
    except RuntimeError as error:
        sys.stderr.write(f"muse-shim: {error}\n")
        sys.stderr.flush()
        os._exit(1)


def foretell(name: str, args: tuple[Any, ...], value: Any) -> Any:
    """
    Answers a call without waiting for the library, whose own answer is compared before it answers anything else. For a
    pure function that is timed in less than a change of processes takes on a busy machine.
    """
    with _lock:
        _foretold.append((name, args, value))
    return value


def call(name: str, *args: Any) -> Any:
    with _lock:
        foretold = list(_foretold)
        _foretold.clear()
        *earlier, answer = _exchange([*((name, args) for name, args, _ in foretold), (name, args)])
    _check(foretold, earlier)
    error = answer.get("error")
    if error is None:
        return answer["value"]
    if error["code"] == "already_resolved":
        raise AlreadyResolvedError(error["message"])
    if error["code"] in {"invalid_id", "invalid_text", "invalid_timestamp", "invalid_record", "too_large"}:
        raise ValueError(error["message"])
    raise RuntimeError(error["message"])
