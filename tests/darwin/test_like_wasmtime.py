"""What tests/wasi compares with wasmtime, call by call, with guests that are macOS programs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.darwin.guest import MacosGuest
from tests.wasi import test_descriptors_like_wasmtime, test_paths_like_wasmtime
from tests.wasi.guest import Calls, directory_record
from tests.wasi.test_descriptors_like_wasmtime import (  # noqa: F401
    pair,
    test_a_position_past_what_the_file_system_has_is_refused,
    test_clocks_do_what_wasmtimes_do,
    test_descriptors_do_what_wasmtimes_do,
    test_names_that_are_not_utf_8,
    test_polling_a_file_tells_how_much_there_is,
    test_polling_tells_of_a_bad_descriptor_by_an_event,
    test_polling_tells_of_all_that_is_ready,
    test_renumbering_does_what_wasmtimes_does,
    test_values_that_wasmtime_traps_on_are_invalid,
    test_what_wasmtime_lacks,
)
from tests.wasi.test_like_wasmtime import (  # noqa: F401
    test_a_directory_has_no_flags,
    test_a_directory_that_was_removed_is_empty,
    test_checks_come_in_one_order,
    test_no_file_is_made_through_a_link_that_ends_in_a_slash,
    test_reading_nothing_needs_a_file_that_can_be_read,
    test_setting_no_times_still_looks_for_the_file,
    test_what_is_missing_is_told_before_a_name_that_is_too_long,
)
from tests.wasi.test_paths_like_wasmtime import test_paths_give_what_wasmtime_gives  # noqa: F401


@pytest.fixture(autouse=True)
def macos_guests(architecture: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guests that tests start themselves are macOS programs too."""

    def guest(_: str, **options: object) -> MacosGuest:
        return MacosGuest(architecture, **options)  # type: ignore[arg-type]

    for module in (test_descriptors_like_wasmtime, test_paths_like_wasmtime):
        monkeypatch.setattr(module, "NativeGuest", guest)


@pytest.fixture
def calls(start: Callable[..., Calls], tmp_path: Path) -> Calls:
    """As in tests/wasi/test_like_wasmtime.py, where wasmtime is asked too."""
    root, fixed = tmp_path / "root", tmp_path / "fixed"
    for directory in (root, fixed, root / "d"):
        directory.mkdir()
    (root / "a").write_bytes(b"text")
    (root / "slash").symlink_to("d/new/")
    (root / "above").symlink_to("../")
    (fixed / "a").write_bytes(b"text")
    return start([directory_record(root, "/"), directory_record(fixed, "/fixed", read_only=True)])
