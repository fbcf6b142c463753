"""Every path function on every kind of path does what wasmtime does: error code, result and effect on the tree."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.wasi.guest import (
    CREAT,
    DIRECTORY,
    EXCL,
    READ,
    SUCCESS,
    TRUNC,
    WRITE,
    Calls,
    Guest,
    NativeGuest,
    WasmtimeGuest,
    architectures,
    directory_record,
)

pytest.importorskip("wasmtime")

NAMES = """
file dir empty ldir lfile dangling loop out abs inside-by-host-path dir/inner dir/up ldir/inner ldir/up new dir/new
ldir/new missing/new file/ dir/ empty/ ldir/ lfile/ dangling/ new/ new// . .. ./ ../ dir/.. dir/../.. dir/../../x
/file / //file file/x file/. file/.. dir/. dir//inner ./file chain chain/ out/ twice twice/ twice/inner dir/../file
../root/file out/.. dir/up/
"""
PATHS: list[str | bytes] = [
    *NAMES.split(),
    "",
    "nul\0inside",
    b"\xff\xfe",
    "x" * 255,
    "x" * 256,
    "y/" * 3000,
    "ü",
]

Operation = Callable[[Calls, str | bytes], object]


def opening(oflags: int, rights: int, follow: bool) -> Operation:
    def operation(calls: Calls, path: str | bytes) -> object:
        error, fd = calls.open(3, path, oflags=oflags, rights=rights, follow=follow)
        return (error, calls.fdstat(fd)[1][0], calls.close(fd)) if error == SUCCESS else error

    return operation


def stat(follow: bool) -> Operation:
    def operation(calls: Calls, path: str | bytes) -> object:
        error, found = calls.path_stat(3, path, follow=follow)
        size = found.size if found.filetype != 3 else 0
        return (found.filetype, size, found.links) if error == SUCCESS else error

    return operation


OPERATIONS: dict[str, Operation] = {
    "mkdir": lambda calls, path: calls.mkdir(3, path),
    "rmdir": lambda calls, path: calls.rmdir(3, path),
    "unlink": lambda calls, path: calls.unlink(3, path),
    "readlink": lambda calls, path: calls.readlink(3, path),
    "symlink at": lambda calls, path: calls.symlink("file", 3, path),
    "symlink to": lambda calls, path: calls.symlink(path, 3, "made"),
    "rename": lambda calls, path: calls.rename(3, path, 3, "renamed"),
    "rename file to": lambda calls, path: calls.rename(3, "file", 3, path),
    "rename directory to": lambda calls, path: calls.rename(3, "dir", 3, path),
    "link": lambda calls, path: calls.link(3, path, 3, "linked"),
    "link to": lambda calls, path: calls.link(3, "file", 3, path),
    "link following": lambda calls, path: calls.link(3, path, 3, "linked", follow=True),
}
for _follow in (False, True):
    _how = " following" if _follow else ""
    OPERATIONS |= {
        f"open to read{_how}": opening(0, READ, _follow),
        f"open to write{_how}": opening(0, WRITE, _follow),
        f"open for both{_how}": opening(0, READ | WRITE, _follow),
        f"open directory{_how}": opening(DIRECTORY, READ, _follow),
        f"create{_how}": opening(CREAT, READ | WRITE, _follow),
        f"create new{_how}": opening(CREAT | EXCL, READ | WRITE, _follow),
        f"truncate{_how}": opening(TRUNC, WRITE, _follow),
        f"create directory by open{_how}": opening(CREAT | DIRECTORY, READ, _follow),
        f"stat{_how}": stat(_follow),
        f"set times{_how}": lambda calls, path, f=_follow: calls.set_times(3, path, 1, 2, 5, follow=f),  # type: ignore[misc]
    }


def differs_on_purpose(operation: str, path: str | bytes, read_only: bool) -> bool:
    """Where we do what Linux does and wasmtime something else, or where only the order of the checks differs."""
    if path == "y/" * 3000 and ("by open" in operation or operation == "link following" or read_only):
        return True  # longer than PATH_MAX: NAMETOOLONG before INVAL and PERM
    if read_only:
        return path in ("nul\0inside", b"\xff\xfe")  # a path that is none is refused before the grant is looked at
    if operation == "rmdir" and path == "dir/..":
        return True  # NOTEMPTY, not INVAL
    slash = isinstance(path, str) and path.endswith("/") and path.strip("./")
    # Names that are made or removed are not followed, whatever stands behind them; wasmtime has INVAL for `rmdir dir/`.
    return bool(slash) and operation in ("rmdir", "unlink", "link to", "symlink at")


def fill(root: Path) -> None:
    for path in root.iterdir():
        if path.is_symlink() or not path.is_dir():
            path.unlink()
        else:
            shutil.rmtree(path)
    (root.parent / "secret").write_text("secret")
    (root / "file").write_text("hello")
    (root / "dir").mkdir()
    (root / "dir/inner").write_text("x")
    (root / "dir/up").symlink_to("../file")
    (root / "empty").mkdir()
    (root / "ldir").symlink_to("dir")
    (root / "lfile").symlink_to("file")
    (root / "dangling").symlink_to("nowhere")
    (root / "loop").symlink_to("loop")
    (root / "out").symlink_to("../secret")
    (root / "abs").symlink_to("/etc/passwd")
    (root / "inside-by-host-path").symlink_to(root / "file")
    (root / "twice").symlink_to("ldir")
    (root / "chain").symlink_to("dir/../dir/../file")


def tree(root: Path) -> dict[str, str]:
    found = {}
    for directory, directories, files in os.walk(root.parent):
        for name in directories + files:
            path = Path(directory) / name
            if path.is_symlink():
                text = os.readlink(path).replace(str(root), "ROOT")
            elif path.is_dir():
                text = "directory"
            else:
                text = f"file of {path.stat().st_size}"
            found[str(path.relative_to(root.parent))] = text
    return found


class Subject:
    """A guest and its tree, which is made anew only after an operation that changed it."""

    def __init__(self, root: Path, make: Callable[[Path], Guest]) -> None:
        root.mkdir(parents=True)
        self.root = root
        self.calls = Calls(make(root))
        fill(root)
        self.untouched = tree(root)

    def run(self, operation: Operation, path: str | bytes) -> tuple[object, dict[str, str]]:
        result = operation(self.calls, path)
        after = tree(self.root)
        if after != self.untouched:
            fill(self.root)
        return result, after


@pytest.mark.parametrize("read_only", [False, True], ids=["writable", "read-only"])
def test_paths_give_what_wasmtime_gives(tmp_path: Path, read_only: bool) -> None:
    def shim(walk: bool) -> Callable[[Path], Guest]:
        return lambda root: NativeGuest(
            architectures()[0], records=[directory_record(root, "/", read_only=read_only)], walk=walk
        )

    # Names as long as each other, for the lengths of links.
    theirs = Subject(tmp_path / "0" / "root", lambda root: WasmtimeGuest([(root, "/", read_only)]))
    ours = Subject(tmp_path / "1" / "root", shim(walk=False))
    walking = Subject(tmp_path / "2" / "root", shim(walk=True))
    wrong = []
    for name, operation in OPERATIONS.items():
        for path in PATHS:
            expected = theirs.run(operation, path)
            by_openat2 = ours.run(operation, path)
            by_walk = walking.run(operation, path)
            what = f"{name} {path[:40]!r}"
            if by_openat2 != by_walk:
                wrong.append(f"{what}: by openat2 {by_openat2[0]}, by walking {by_walk[0]}")
            if by_openat2 != expected and not differs_on_purpose(name, path, read_only):
                wrong.append(f"{what}: wasmtime {expected[0]}, we {by_openat2[0]}")
    for subject in (theirs, ours, walking):
        subject.calls.guest.close()
    assert not wrong, "\n".join(wrong)
