"""Makes a script smaller that does not do natively what it does under wasmtime."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from tests.wasi.sequences.comparing import Difference, compare
from tests.wasi.sequences.running import Native, Oracle
from tests.wasi.sequences.scripts import Entry, Script

Item = TypeVar("Item")


def differences(script: Script, oracle: Oracle, native: Native) -> list[Difference]:
    """In what the two runs of `script` part."""
    return compare(script, oracle.run(script), native.run(script)).differences


def without(items: Sequence[Item], still: Callable[[list[Item]], bool]) -> list[Item]:
    """As few of `items` as removing pieces, from halves down to single ones, leaves with `still` true."""
    left = list(items)
    size = max(1, len(left) // 2)
    while True:
        removed = False
        at = 0
        while at < len(left):
            fewer = left[:at] + left[at + size :]
            if still(fewer):
                left, removed = fewer, True
            else:
                at += size
        if size == 1 and not removed:
            return left
        size = max(1, size // 2)


def _is_whole(entries: Sequence[Entry]) -> bool:
    """Whether what an entry stands in, or is a name of, is there."""
    paths = {entry.path for entry in entries}
    return all(
        (entry.path.count("/") == 1 or entry.path.rpartition("/")[0] in paths)
        and (entry.kind != "name" or entry.content.decode() in paths)
        for entry in entries
    )


def reduce(script: Script, oracle: Oracle, native: Native) -> Script:
    """A smaller script in which there still is a difference."""

    def differs(smaller: Script) -> bool:
        return bool(differences(smaller, oracle, native))

    groups = without(script.groups, lambda left: differs(replace(script, groups=tuple(left))))
    script = replace(script, groups=tuple(groups))
    entries = without(script.entries, lambda left: _is_whole(left) and differs(replace(script, entries=tuple(left))))
    return replace(script, entries=tuple(entries))
