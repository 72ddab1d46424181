"""One long-lived node child per process that runs the library; calls are lines of JSON."""

from __future__ import annotations

import atexit
import itertools
import json
import os
import pathlib
import subprocess
import threading
from typing import Any

_HERE = pathlib.Path(__file__).resolve().parents[2]
_REPOSITORY = _HERE.parents[2]
# The node that the repository brings along; the machine's own may be older than the library needs.
_NODE = os.environ.get("ASSENT_NODE") or str(_REPOSITORY / "node_modules" / ".bin" / "node")

_lock = threading.Lock()
_ids = itertools.count(1)
_child: subprocess.Popen[str] | None = None


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
    return child


def call(name: str, *args: Any) -> Any:
    global _child
    with _lock:
        if _child is None:
            _child = _start()
        assert _child.stdin is not None and _child.stdout is not None
        _child.stdin.write(json.dumps({"id": next(_ids), "name": name, "args": args}) + "\n")
        _child.stdin.flush()
        line = _child.stdout.readline()
    if not line:
        raise RuntimeError("the library's process ended")
    answer = json.loads(line)
    error = answer.get("error")
    if error is None:
        return answer["value"]
    if error["code"] == "already_resolved":
        raise AlreadyResolvedError(error["message"])
    if error["code"] in {"invalid_id", "invalid_text", "invalid_timestamp", "invalid_record", "too_large"}:
        raise ValueError(error["message"])
    raise RuntimeError(error["message"])
