"""The libraries of Windows that the shim names in os/windows/*.def, and in os/windows/x86/*.def for 32 bits."""

from pathlib import Path

import pytest

from tests import tools
from waot.resources import runtime_support_dir

PLACE = runtime_support_dir() / "os/windows"


def functions(file: Path) -> list[str]:
    """What follows EXPORTS."""
    return file.read_text().split("EXPORTS\n", 1)[1].split()


LIBRARIES = ["advapi32", "kernel32", "ntdll", "ws2_32"]


@pytest.mark.parametrize("library", LIBRARIES)
def test_functions_with_32_bits_take_as_many_bytes_as_mingw_says(library: str) -> None:
    place = Path(tools.zig_libraries(), "libc/mingw")
    own = place / "lib32" / f"{library}.def"  # or one that is the same for every width
    known = (own if own.is_file() else place / "lib-common" / f"{library}.def.in").read_text().split()
    assert set(functions(PLACE / "x86" / f"{library}.def")) <= set(known)


@pytest.mark.parametrize("library", LIBRARIES)
def test_with_32_bits_only_the_tables_of_exceptions_are_not_there(library: str) -> None:
    names = {name.partition("@")[0] for name in functions(PLACE / "x86" / f"{library}.def")}
    missing = set(functions(PLACE / f"{library}.def")) - names
    assert missing == ({"RtlLookupFunctionEntry", "RtlVirtualUnwind"} if library == "kernel32" else set())
    assert names <= set(functions(PLACE / f"{library}.def"))
