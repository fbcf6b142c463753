"""Compares what a script did under wasmtime with what it did natively.

All is compared but what no two runs have in common, which is replaced first:

- the numbers of inodes and devices, by one number for each file in the order of their appearance;
- times that are the run's, by "now"; the time of the last change of status, which wasmtime takes from the file's birth;
- the numbers of descriptors: both give a free one, not the same one;
- what clocks and chance gave;
- directory cookies, by the place of the entry in its list.

What waot does otherwise on purpose is told from all else by `explained`; docs/rationale.md says why it does.
"""

from __future__ import annotations

import struct
import time
from dataclasses import dataclass, field, replace

from tests.wasi.guest import CREAT, DIRECTORY, ERRNO, TRUNC, WRITE
from tests.wasi.sequences.running import Outcome, reuses_inodes
from tests.wasi.sequences.scripts import BUFFER, OUTPUT, SAVE_COOKIE, Call, Register, Script

_HOUR = 3600 * 1_000_000_000
_BUFFER = BUFFER - OUTPUT
DIRECTORY_TYPE, LINK_TYPE = 3, 7

# Functions that make or remove a name, that may make an inode's number free, that may move a directory's entries.
MAKING = ("path_remove_directory", "path_unlink_file", "path_link", "path_symlink")
REMOVING = ("path_remove_directory", "path_unlink_file", "path_rename", "fd_close", "fd_renumber")
CHANGING = (*MAKING, "path_rename", "path_create_directory", "path_open", "fd_renumber")


class Cookies:
    """Which cookies are of a directory as it still is. wasmtime's count entries from the start, waot's stay good."""

    def __init__(self) -> None:
        self._changes = 0
        self._known: dict[int, tuple[int | Register, int]] = {}

    def stale(self, call: Call) -> bool:
        """Whether a call of fd_readdir begins at a place that has moved, or that is none."""
        if call.function != "fd_readdir" or not isinstance(call.arguments[3], Register):
            return False
        return self._known.get(call.arguments[3].number) != (call.arguments[0], self._changes)

    def follow(self, call: Call) -> None:
        """Takes note of a call that succeeded."""
        if call.function in CHANGING:
            self._changes += 1
        for kind, register, _ in call.saves:
            self._known.pop(register.number, None)
            if kind == SAVE_COOKIE:
                self._known[register.number] = call.arguments[0], self._changes


@dataclass
class Normaliser:
    """Replaces what is one run's own. One for each run of a script."""

    now: int = field(default_factory=time.time_ns)
    read_nothing: bool = False
    inodes: dict[tuple[int, int], int] = field(default_factory=dict)

    def inode(self, device: int, inode: int) -> int:
        return self.inodes.setdefault((0, inode), len(self.inodes))

    def accessed(self, filetype: int, value: int) -> object:
        """An access time, where it says something.

        wasmtime reads a directory to its end at each call of fd_readdir, waot as far as it is asked, and it begins to
        read what is polled. Whether a link on the way is read or passed over is for who resolves the path. Whether
        reading nothing is a read, file systems decide, each way of asking apart.
        """
        return None if self.read_nothing or filetype in (DIRECTORY_TYPE, LINK_TYPE) else self.time(value)

    def time(self, value: int) -> object:
        return "now" if abs(value - self.now) < _HOUR else value

    def result(self, call: Call, data: bytes) -> object:
        """What a call that succeeded wrote, in a form that can be compared and read."""
        method = getattr(self, call.function, None)
        return data if method is None else method(call, data)

    def _filestat(self, call: Call, data: bytes) -> object:
        device, inode, filetype, links, size, atim, mtim, _ = struct.unpack_from("<QQB7xQQQQQ", data)
        return {
            "inode": self.inode(device, inode),
            "type": filetype,
            "links": links,
            "size": size,
            "atim": self.accessed(filetype, atim),
            "mtim": self.time(mtim),
            "behind": data[64:],
        }

    fd_filestat_get = path_filestat_get = _filestat

    def fd_fdstat_get(self, call: Call, data: bytes) -> object:
        filetype, flags, base, inheriting = struct.unpack_from("<BxHxxxxQQ", data)
        return {"type": filetype, "flags": flags, "base": hex(base), "inheriting": hex(inheriting)}

    def fd_prestat_get(self, call: Call, data: bytes) -> object:
        return struct.unpack_from("<B3xI", data)

    def poll_oneoff(self, call: Call, data: bytes) -> object:
        (count,) = struct.unpack_from("<I", data)
        end = _BUFFER + 32 * count
        events = [struct.unpack_from("<QHB5xQH", data, at) for at in range(_BUFFER, end, 32)]
        # Which of several events are the first is a matter of nanoseconds. wasmtime says of every file that there is
        # one byte. Of a clock it is told that it is due and nothing else.
        return {user: (error, kind, flags if kind != 0 else 0) for user, error, kind, _, flags in events}, data[
            64 + 32 * self._events(call) :
        ]

    def _events(self, call: Call) -> int:
        count = call.arguments[2]
        assert isinstance(count, int)
        return count

    def path_open(self, call: Call, data: bytes) -> object:
        (descriptor,) = struct.unpack_from("<I", data)
        return {"in range": descriptor < 1 << 31, "behind": data[4:]}

    def sock_accept(self, call: Call, data: bytes) -> object:
        return self.path_open(call, data)

    def _number(self, call: Call, data: bytes) -> object:
        return struct.unpack_from("<Q", data)[0], data[8:]

    fd_seek = fd_tell = _number

    def _moved(self, call: Call, data: bytes) -> object:
        return struct.unpack_from("<I", data)[0], data[4:]

    fd_read = fd_pread = fd_write = fd_pwrite = path_readlink = _moved

    def clock_res_get(self, call: Call, data: bytes) -> object:
        return data[8:]

    clock_time_get = clock_res_get

    def random_get(self, call: Call, data: bytes) -> object:
        size = call.arguments[1]
        assert isinstance(size, int)
        return data[:_BUFFER] + data[_BUFFER + size :]

    def fd_readdir(self, call: Call, data: bytes) -> object:
        (used,) = struct.unpack_from("<I", data)
        listed, behind = data[_BUFFER : _BUFFER + used], data[_BUFFER + used :]
        entries: list[object] = []
        at = 0
        while at < used:
            head = listed[at : at + 24]
            if len(head) < 24:
                entries.append(("cut", head[16:]))
                break
            _, inode, size, filetype = struct.unpack("<QQIB3x", head)
            name = listed[at + 24 : at + 24 + size]
            entries.append((name, size, filetype, self.inode(0, inode)))
            at += 24 + size
        return {"used": used, "entries": entries, "behind": behind}


@dataclass(frozen=True)
class Difference:
    """Where two runs part. `number` is the call's, or None for the trees."""

    number: int | None
    what: str


@dataclass
class Comparison:
    """What came of a script. `explained` counts differences that are meant, by their reason."""

    differences: list[Difference] = field(default_factory=list)
    explained: list[str] = field(default_factory=list)
    errors: list[tuple[str, str]] = field(default_factory=list)  # wasmtime's (function, errno) of each call


def split(script: Script, results: bytes) -> list[tuple[str, bytes]]:
    """The errno and the output of each call."""
    found = []
    at = 0
    for call in script.calls:
        if at + 4 + call.output > len(results):
            break
        (error,) = struct.unpack_from("<I", results, at)
        found.append((ERRNO[error] if error < len(ERRNO) else str(error), results[at + 4 : at + 4 + call.output]))
        at += 4 + call.output
    return found


def reads_nothing(call: Call) -> bool:
    """Whether a call may or may not count as reading a file."""
    if call.function == "poll_oneoff":  # wasmtime begins to read what is waited for
        return any(kind == 1 for kind in call.input[8::48])
    return call.function in ("fd_read", "fd_pread") and not any(
        size for _, size in struct.iter_unpack("<II", call.input)
    )


def common(theirs: object, ours: object) -> tuple[object, object]:
    """Two results of poll_oneoff without the events that only one of them has. Both must have some."""
    assert isinstance(theirs, tuple)
    assert isinstance(ours, tuple)
    both = theirs[0].keys() & ours[0].keys()
    if not theirs[0] or not ours[0]:
        return theirs, ours
    return tuple(({user: events[user] for user in both}, behind) for events, behind in (theirs, ours))  # type: ignore[return-value]


def tells_badf(result: object) -> bool:
    """Whether a result of poll_oneoff has events of descriptors, all of them BADF or no error."""
    assert isinstance(result, tuple)
    errors = {error for error, kind, _ in result[0].values() if kind != 0}
    return bool(errors) and errors <= {ERRNO.index("success"), ERRNO.index("badf")}


def explained(call: Call, theirs: str, ours: str) -> str | None:
    """Why a call's error may be another one than wasmtime's, or None."""
    if call.function == "fd_fdstat_set_rights" and (theirs, ours) == ("notsup", "success"):
        return "rights can be given up"
    # A file that is open to read, nothing to allocate, too much.
    if call.function == "fd_allocate" and theirs == "notsup" and ours in ("success", "badf", "inval", "fbig", "nospc"):
        return "fd_allocate allocates"
    if call.function == "path_open":
        oflags, rights = call.arguments[4], call.arguments[5]
        assert isinstance(oflags, int)
        assert isinstance(rights, int)
        if theirs == "notsup":
            return "synchronous flags are heeded"
        if theirs == "acces" and oflags & (CREAT | TRUNC) and not rights & WRITE:
            return "no right is asked for that the program does not want"
        if (theirs, ours) == ("acces", "notdir") and oflags & DIRECTORY:
            return "what is to be a directory is not opened where it is none"
    if call.function == "fd_close" and "at once" in call.text and (theirs, ours) == ("badf", "success"):
        return "synchronous flags are heeded, or no right is asked for that the program does not want"
    if call.function == "fd_readdir" and (theirs, ours) == ("acces", "success"):
        return "names are listed of a directory whose files may not be looked at"
    if call.function == "poll_oneoff" and theirs in ("badf", "perm") and ours in ("success", "inval"):
        return "a descriptor that cannot be waited for is an event"
    if theirs != "success" and ours != "success":
        paths = call.paths()
        if ours == "inval" and any(b"\0" in path for path in paths):
            return "a path with a NUL is none"
        if ours == "nametoolong" and any(len(path) >= 4096 for path in paths):
            return "a path that the system cannot take is refused first"
        if call.function in MAKING and any(path.endswith(b"/") and path.strip(b"./") for path in paths):
            return "a name that is made or removed is not followed, whatever is behind it"
        if ours == "acces" and any(b"." in path.split(b"/") for path in paths):
            return "`.` is looked up, which takes leave"
        if call.function == "path_remove_directory" and (theirs, ours) == ("inval", "notempty"):
            return "`..` is not empty"
    return None


def compare(script: Script, expected: Outcome, actual: Outcome) -> Comparison:
    """Everything in which `actual` is not what `expected` is."""
    comparison = Comparison()
    if expected.ended or actual.ended:
        comparison.differences.append(Difference(None, f"wasmtime: {expected.ended}; natively: {actual.ended}"))
        return comparison
    theirs, ours = Normaliser(), Normaliser()
    cookies = Cookies()
    for number, (call, (their_error, their_data), (our_error, our_data)) in enumerate(
        zip(script.calls, split(script, expected.results), split(script, actual.results), strict=True)
    ):
        comparison.errors.append((call.function, their_error))
        if call.invalid:
            if our_error == "success":
                comparison.differences.append(Difference(number, "wasmtime ends the program, natively success"))
            continue
        if their_error != our_error:
            reason = explained(call, their_error, our_error)
            if (
                call.function == "poll_oneoff"
                and our_error == "success"
                and not tells_badf(ours.result(call, our_data))
            ):
                reason = None
            if reason is None:
                comparison.differences.append(Difference(number, f"wasmtime {their_error}, natively {our_error}"))
            else:
                comparison.explained.append(reason)
            continue
        if cookies.stale(call):
            comparison.explained.append("a directory has changed since a cookie was given")
            continue
        if their_error == "success":
            cookies.follow(call)
            if call.function in REMOVING and reuses_inodes():  # not for both runs the same one
                theirs.inodes.clear()
                ours.inodes.clear()
        if reads_nothing(call):
            theirs.read_nothing = ours.read_nothing = True
        their_result: object = their_data
        our_result: object = our_data
        if their_error == "success":
            their_result, our_result = theirs.result(call, their_data), ours.result(call, our_data)
        if call.function == "poll_oneoff" and their_error == "success":
            their_result, our_result = common(their_result, our_result)
        if their_result != our_result:
            comparison.differences.append(Difference(number, f"wasmtime {their_result}, natively {our_result}"))
    for path in sorted(expected.tree.keys() | actual.tree.keys()):
        their_node, our_node = expected.tree.get(path), actual.tree.get(path)
        if theirs.read_nothing and their_node and our_node:
            their_node = replace(their_node, accessed=our_node.accessed)
        if their_node != our_node:
            comparison.differences.append(Difference(None, f"{path}: wasmtime {their_node}, natively {our_node}"))
    return comparison
