"""The descriptor table of programs with threads answers as the other one does.

``guest.c`` of tests/wasi with either, and the same random calls to both: numbers given, errors and bytes are the same.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.wasi.guest import CREAT, DIRECTORY, READ, SUCCESS, WRITE, Guest, NativeGuest, directory_record

PATH, RESULT, BUFFER, VECTOR = 0x1000, 0x2000, 0x3000, 0x4000
CALLS = 3000


def guests(directory: Path) -> list[NativeGuest]:
    made = []
    for threads in (False, True):
        place = directory / f"threads-{threads}"
        place.mkdir()
        made.append(NativeGuest(records=[directory_record(place, "/")], threads=threads))
    return made


def number(source: random.Random, open_: set[int]) -> int:
    """Mostly one that is open; seldom a standard stream or the grant, because those do not come back."""
    if open_ and source.random() < 0.9:
        return source.choice(sorted(open_))
    others: list[int] = [*range(4, 40), 63, 1 << 20, 0xFFFFFFFF] * 4
    return source.choice([*others, 0, 1, 2])


def call(guest: Guest, name: str, *arguments: int) -> tuple[str, bytes]:
    guest.write(RESULT, bytes(64))
    return guest.call(name, *arguments), guest.read(RESULT, 64) + guest.read(BUFFER, 16)


@pytest.mark.parametrize("seed", range(3))
def test_random_calls_have_the_same_answers(seed: int, tmp_path: Path) -> None:
    random_ = random.Random(seed)
    both = guests(tmp_path)
    open_: set[int] = set()
    most = 0
    for guest in both:
        guest.write(VECTOR, BUFFER.to_bytes(4, "little") + (8).to_bytes(4, "little"))
    name: str
    arguments: tuple[int, ...]
    for step in range(CALLS):
        kind = random_.choice(
            ["open", "open", "open", "close", "renumber", "stat", "rights", "write", "seek", "directory"]
        )
        fd = number(random_, open_)
        if kind in ("open", "directory"):
            file = f"{kind}{random_.randrange(30)}".encode()
            for guest in both:
                guest.write(PATH, file)
            if kind == "directory":
                name, arguments = "path_create_directory", (3, PATH, len(file))
            elif random_.random() < 0.2:
                name, arguments = "path_open", (3, 0, PATH, 1, DIRECTORY, READ, READ, 0, RESULT)
                for guest in both:
                    guest.write(PATH, b".")
            else:
                name, arguments = "path_open", (3, 0, PATH, len(file), CREAT, READ | WRITE, READ | WRITE, 0, RESULT)
        else:
            name, arguments = {
                "close": ("fd_close", (fd,)),
                "renumber": ("fd_renumber", (fd, number(random_, open_))),
                "stat": ("fd_fdstat_get", (fd, RESULT)),
                "rights": ("fd_fdstat_set_rights", (fd, random_.choice([READ, READ | WRITE, WRITE]), 0)),
                "write": ("fd_write", (fd, VECTOR, 1, RESULT)),
                "seek": ("fd_seek", (fd, random_.randrange(100), random_.randrange(3), RESULT)),
            }[kind]
        answers = [call(guest, name, *arguments) for guest in both]
        assert answers[0] == answers[1], (step, name, arguments)
        error, result = answers[0]
        if error == SUCCESS and kind == "open":
            open_.add(int.from_bytes(result[:4], "little"))
        elif error == SUCCESS and (kind == "close" or (kind == "renumber" and arguments[0] != arguments[1])):
            open_.discard(fd)
        most = max(most, len(open_))
    assert most > 16  # both tables have grown
    for guest in both:
        guest.close()
