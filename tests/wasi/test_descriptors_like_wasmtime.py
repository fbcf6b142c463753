"""Every function of a descriptor on every kind of descriptor does what wasmtime does, or differs as explained here."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.wasi.guest import (
    APPEND,
    DIRECTORY,
    DSYNC,
    EXCL,
    NONBLOCK,
    READ,
    RSYNC,
    SUCCESS,
    SYNC,
    WRITE,
    Calls,
    NativeGuest,
    WasmtimeGuest,
    architectures,
    clock_subscription,
    directory_record,
    fd_subscription,
)

pytest.importorskip("wasmtime")

Opening = Callable[[Calls], int]
Operation = Callable[[Calls, int], object]


def file(rights: int, fdflags: int = 0) -> Opening:
    return lambda calls: calls.opened(3, "file", rights=rights, fdflags=fdflags)


def closed(calls: Calls) -> int:
    fd = calls.opened(3, "file")
    calls.close(fd)
    return fd


KINDS: dict[str, Opening] = {
    "file for both": file(READ | WRITE),
    "file to read": file(READ),
    "file to write": file(WRITE),
    "file without rights": file(0),
    "file to append to": file(READ | WRITE, APPEND),
    "file without waiting": file(READ | WRITE, NONBLOCK),
    "directory": lambda calls: calls.opened(3, "dir", oflags=DIRECTORY),
    "directory without rights": lambda calls: calls.opened(3, "dir", rights=0),
    "granted directory": lambda calls: 3,
    "closed": closed,
    "never opened": lambda calls: 77,
    "the largest number": lambda calls: 0xFFFFFFFF,
}


def call(name: str, *arguments: int) -> Operation:
    return lambda calls, fd: calls.guest.call(name, fd, *arguments)


def value(operation: Callable[[Calls, int], tuple[str, object]]) -> Operation:
    """Without what stands in the guest's memory from an earlier call where this one has failed."""

    def checked(calls: Calls, fd: int) -> object:
        result = operation(calls, fd)
        return result if result[0] == SUCCESS else result[0]

    return checked


def stat(calls: Calls, fd: int) -> object:
    error, found = calls.stat(fd)
    # Times are as they were set; directories have their file system's sizes and numbers of links.
    whole = (found.size, found.links, found.mtim if found.mtim < 10**12 else "now")
    return (found.filetype, whole if found.filetype == 4 else ()) if error == SUCCESS else error


def list_from(cookie: int) -> Operation:
    return lambda calls, fd: calls.readdir_once(fd, 4096, cookie)


def names(calls: Calls, fd: int) -> object:
    error, _ = calls.readdir_once(fd, 4096, 0)
    return sorted(entry.name for entry in calls.readdir(fd)) if error == SUCCESS else error


OPERATIONS: dict[str, Operation] = {"status": value(lambda calls, fd: calls.fdstat(fd)), "stat": stat}
for _offset, _whence in [(0, 0), (5, 0), (-1, 0), (3, 1), (-100, 1), (0, 2), (-3, 2), (-100, 2), (1000, 2), (0, 1)]:
    OPERATIONS[f"seek {_offset} {_whence}"] = value(lambda calls, fd, o=_offset, w=_whence: calls.seek(fd, o, w))  # type: ignore[misc]
OPERATIONS |= {
    "back": value(lambda calls, fd: calls.seek(fd, 2, 0)),
    "tell": value(lambda calls, fd: calls.tell(fd)),
    "read": value(lambda calls, fd: calls.read(fd, 4)),
    "read nothing": value(lambda calls, fd: calls.read(fd, 0)),
    "write": value(lambda calls, fd: calls.write(fd, b"zz")),
    "write nothing": value(lambda calls, fd: calls.write(fd, b"")),
    "tell after writing": value(lambda calls, fd: calls.tell(fd)),
    "advise after 2**63": call("fd_advise", 1 << 63, 1, 0),
    "advise on 2**63 bytes": call("fd_advise", 0, 1 << 63, 3),
    "set times": call("fd_filestat_set_times", 1, 2_000_000_000, 5),
    "stat with times": stat,
    "set no times": call("fd_filestat_set_times", 1, 2, 0),
    "set a time twice": call("fd_filestat_set_times", 1, 2, 3),
    "set the other time twice": call("fd_filestat_set_times", 1, 2, 12),
    "set a far time": call("fd_filestat_set_times", (1 << 64) - 1, 2, 1),
    "set the time of now": call("fd_filestat_set_times", 0, 0, 10),
    "set a size": call("fd_filestat_set_size", 20),
    "set a size of 2**63": call("fd_filestat_set_size", 1 << 63),
    "stat with the size": stat,
    "sync": call("fd_sync"),
    "sync data": call("fd_datasync"),
    "grant": call("fd_prestat_get", 0x9000),
    "grant's name": call("fd_prestat_dir_name", 0x9000, 1),
    "grant's name without room": call("fd_prestat_dir_name", 0x9000, 0),
    "grant's name with much room": call("fd_prestat_dir_name", 0x9000, 100),
    "list": names,
    "list from the far end": list_from((1 << 64) - 1),
    "accept": call("sock_accept", 0, 0x9000),
    "shut down": call("sock_shutdown", 1),
    "shut down nothing": call("sock_shutdown", 0),
    "send": call("sock_send", 0x9000, 0, 0, 0x9000),
    "receive": call("sock_recv", 0x9000, 0, 0, 0x9000, 0x9008),
    "open": lambda calls, fd: calls.open(fd, "absent")[0],
    "make a directory": lambda calls, fd: calls.mkdir(fd, "absent/absent"),
    "renumber to one that is not open": call("fd_renumber", 1000),
    "renumber to itself": lambda calls, fd: calls.guest.call("fd_renumber", fd, fd),
}
for _offset in (0, 5, 11, 100, (1 << 63) - 1, 1 << 63, (1 << 64) - 1):
    OPERATIONS[f"read at {_offset}"] = value(lambda calls, fd, o=_offset: calls.read(fd, 4, offset=o))  # type: ignore[misc]
    if _offset <= 100:  # what is refused without appending is not even looked at in wasmtime when appending
        OPERATIONS[f"write at {_offset}"] = value(lambda calls, fd, o=_offset: calls.write(fd, b"Q", offset=o))  # type: ignore[misc]
for _advice in range(6):
    OPERATIONS[f"advise {_advice}"] = call("fd_advise", 0, 10, _advice)
for _flags in (APPEND, APPEND | NONBLOCK, NONBLOCK, DSYNC, RSYNC, SYNC, 0):
    OPERATIONS[f"set flags {_flags}"] = call("fd_fdstat_set_flags", _flags)
    OPERATIONS[f"flags after {_flags}"] = value(lambda calls, fd: calls.fdstat(fd))


def fill(root: Path) -> Path:
    root.mkdir(parents=True)
    (root / "file").write_bytes(b"hello world")
    (root / "dir").mkdir()
    (root / "dir/inner").write_text("x")
    return root


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Calls, Calls, list[Path]]]:
    """wasmtime's guest and ours, each with its own tree."""
    roots = [fill(tmp_path / str(i) / "root") for i in range(2)]
    theirs = WasmtimeGuest([(roots[0], "/", False)])
    ours = NativeGuest(architectures()[0], records=[directory_record(roots[1], "/")])
    yield Calls(theirs), Calls(ours), roots
    ours.close()


@pytest.mark.parametrize("kind", KINDS)
def test_descriptors_do_what_wasmtimes_do(pair: tuple[Calls, Calls, list[Path]], kind: str) -> None:
    theirs, ours, roots = pair
    fds = [KINDS[kind](calls) for calls in (theirs, ours)]
    wrong = []
    for name, operation in OPERATIONS.items():
        expected, found = (operation(calls, fd) for calls, fd in zip((theirs, ours), fds, strict=True))
        if expected != found:
            wrong.append(f"{name}: wasmtime {expected}, we {found}")
        if (roots[0] / "file").read_bytes() != (roots[1] / "file").read_bytes():
            wrong.append(f"{name}: the file differs afterwards")
            (roots[1] / "file").write_bytes((roots[0] / "file").read_bytes())
    assert not wrong, "\n".join(wrong)


# What is real here and not in wasmtime, and what is told more exactly (docs/rationale.md).


def test_what_wasmtime_lacks(pair: tuple[Calls, Calls, list[Path]]) -> None:
    theirs, ours, roots = pair
    fds = [calls.opened(3, "file", rights=READ | WRITE) for calls in (theirs, ours)]
    assert theirs.guest.call("fd_allocate", fds[0], 0, 100) == "notsup"
    assert ours.guest.call("fd_allocate", fds[1], 0, 100) == SUCCESS
    assert (roots[1] / "file").stat().st_size == 100
    rights = ours.fdstat(fds[1])[1][2:]
    assert theirs.guest.call("fd_fdstat_set_rights", fds[0], *rights) == "notsup"
    assert ours.guest.call("fd_fdstat_set_rights", fds[1], *rights) == SUCCESS
    for flags in (DSYNC, RSYNC, SYNC):
        assert theirs.open(3, "file", rights=WRITE, fdflags=flags)[0] == "notsup"
        assert ours.open(3, "file", rights=WRITE, fdflags=flags)[0] == SUCCESS
    assert theirs.guest.call("proc_raise", 0) == "notsup"
    assert ours.guest.call("proc_raise", 0) == SUCCESS


def test_a_position_past_what_the_file_system_has_is_refused(pair: tuple[Calls, Calls, list[Path]]) -> None:
    """wasmtime keeps the position itself, and finds out when it reads."""
    for calls, error in zip(pair[:2], (SUCCESS, "inval"), strict=True):
        fd = calls.opened(3, "file")
        assert calls.seek(fd, (1 << 63) - 1, 0)[0] == error
        assert calls.seek(fd, 1 << 40, 0) == (SUCCESS, 1 << 40)
        assert calls.read(fd, 1) == (SUCCESS, b"")


def test_polling_tells_of_a_bad_descriptor_by_an_event(pair: tuple[Calls, Calls, list[Path]]) -> None:
    """As the witx has it and wasi-libc's poll expects; wasmtime fails the call."""
    theirs, ours, _ = pair
    for bad in (77, 3):
        assert theirs.poll(fd_subscription(1, 1, bad), clock_subscription(2, 1, 0))[0] == "badf"
        assert ours.poll(fd_subscription(1, 1, bad), clock_subscription(2, 1, 10**12)) == (SUCCESS, [(1, 8, 1, 0, 0)])


def test_polling_a_file_tells_how_much_there_is(pair: tuple[Calls, Calls, list[Path]]) -> None:
    """Where wasmtime says 1, whatever there is. The rest is the same."""
    for read in (0, 4, 11):
        for kind in (1, 2):
            events = []
            for calls in pair[:2]:
                fd = calls.opened(3, "file", rights=READ | WRITE)
                calls.read(fd, read)
                later = clock_subscription(4, 1, 10**12)
                events.append(calls.poll(fd_subscription(1, kind, fd), later)[1])
            ((user, error, same_kind, size, flags),), ours = events
            assert size == 1
            assert ours == [(user, error, same_kind, 11 - read if kind == 1 else 1, flags)]


def test_polling_tells_of_all_that_is_ready(at_root: Calls, root: Path) -> None:
    """The same descriptor twice, a clock that has come beside it: wasmtime tells of some of them."""
    (root / "file").write_text("12345")
    fd = at_root.opened(3, "file", rights=READ | WRITE)
    both = [fd_subscription(1, 1, fd), fd_subscription(2, 2, fd), fd_subscription(1, 1, fd)]
    assert [event[0] for event in at_root.poll(*both, clock_subscription(4, 1, 10**12))[1]] == [1, 2, 1]
    assert [event[0] for event in at_root.poll(clock_subscription(4, 0, 1, absolute=True), *both)[1]] == [4, 1, 2, 1]


def test_values_that_wasmtime_traps_on_are_invalid(pair: tuple[Calls, Calls, list[Path]]) -> None:
    import wasmtime

    wrong: list[tuple[str, tuple[int, ...]]] = [
        ("fd_seek", (0, 3, 0x9000)),
        ("fd_advise", (0, 0, 6)),
        ("fd_fdstat_set_flags", (32,)),
        ("fd_filestat_set_times", (0, 0, 16)),
        ("sock_shutdown", (4,)),
    ]
    theirs, ours, _ = pair
    for name, arguments in wrong:
        fds = [calls.opened(3, "file", rights=READ | WRITE) for calls in (theirs, ours)]
        with pytest.raises(wasmtime.WasmtimeError):
            theirs.guest.call(name, fds[0], *arguments)
        assert ours.guest.call(name, fds[1], *arguments) == "inval"


def test_clocks_do_what_wasmtimes_do(pair: tuple[Calls, Calls, list[Path]]) -> None:
    def told(calls: Calls) -> list[object]:
        found: list[object] = []
        for clock in range(4):
            error = calls.guest.call("clock_res_get", clock, 0x9000)
            found.append((error, calls.guest.read(0x9000, 8) if error == SUCCESS else b""))
            found.append(calls.guest.call("clock_time_get", clock, 1000, 0x9000))
            for absolute in (False, True):
                for timeout in (0, 1, 1000):
                    found.append(calls.poll(clock_subscription(5, clock, timeout, absolute=absolute)))
        found.append(calls.poll())
        found.append(calls.guest.call("sched_yield"))
        found.append(calls.guest.call("random_get", 0x9000, 0))
        return found

    assert told(pair[0]) == told(pair[1])


def test_renumbering_does_what_wasmtimes_does(pair: tuple[Calls, Calls, list[Path]]) -> None:
    def told(calls: Calls) -> list[object]:
        a, b = calls.opened(3, "file"), calls.opened(3, "file")
        directory = calls.opened(3, "dir", oflags=DIRECTORY)
        calls.read(a, 3)
        found: list[object] = []
        for fds in ((a, b), (a, b), (b, a), (b, b), (99, b), (b, 1000000), (1 << 31, b), (b, (1 << 32) - 1)):
            found.append(calls.guest.call("fd_renumber", *fds))
        found += [calls.tell(b), calls.read(b, 3), calls.tell(a)[0]]
        found += [
            calls.guest.call("fd_renumber", 3, directory),
            calls.open(3, ".")[0],
            calls.open(directory, "file")[0],
        ]
        found += [calls.guest.call("fd_prestat_get", directory, 0x9000), calls.close(directory)]
        return found

    assert told(pair[0]) == told(pair[1])


def test_names_that_are_not_utf_8(pair: tuple[Calls, Calls, list[Path]]) -> None:
    """A directory that holds one cannot be listed, a link to one cannot be read."""
    theirs, ours, roots = pair
    results = []
    for calls, root in zip((theirs, ours), roots, strict=True):
        at = os.fsencode(root)
        os.symlink(b"to\xff", at + b"/link")
        os.mkdir(at + b"/odd")
        (root / "odd/plain").write_text("")
        with open(at + b"/odd/\xff\xfe", "w"):
            pass
        odd = calls.opened(3, "odd", oflags=DIRECTORY)
        told: list[object] = [calls.readdir_once(odd, size, 0)[0] for size in (4096, 300)]
        told += [calls.readlink(3, "link"), calls.path_stat(3, "link")[0], calls.open(3, "link", follow=True)[0]]
        told += [calls.open(3, "link", oflags=EXCL)[0], calls.rmdir(3, "odd"), calls.unlink(3, "link")]
        for path in (b"odd/\xff\xfe", b"\xc3(", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"):
            told += [calls.open(3, path)[0], calls.unlink(3, path), calls.mkdir(3, path), calls.symlink(path, 3, "new")]
        results.append(told)
    assert results[0] == results[1]
    assert results[0][:3] == ["ilseq", "ilseq", ("ilseq", b"")]
