"""Where the memory lies, as the library says."""

from __future__ import annotations

import pathlib

from muse.core._bridge import call


def muse_dir(root: pathlib.Path) -> pathlib.Path:
    return pathlib.Path(call("museDir", str(root)))


def harmony_dir(root: pathlib.Path) -> pathlib.Path:
    return pathlib.Path(call("harmonyDir", str(root)))
