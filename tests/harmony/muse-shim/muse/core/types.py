"""Ids, as the library makes and checks them."""

from __future__ import annotations

from muse.core._bridge import call


def fake_id(name: str) -> str:
    return call("fakeId", name)


def long_id(value: str, *, strip: bool = False) -> str:
    return call("longId", value, strip)


def split_id(value: str) -> tuple[str, str]:
    algorithm, digits = call("splitId", value)
    return algorithm, digits
