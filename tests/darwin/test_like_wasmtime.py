"""What tests/wasi compares with wasmtime, call by call, with guests that are macOS programs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.darwin.guest import MacosGuest
from tests.wasi import test_descriptors_like_wasmtime, test_paths_like_wasmtime
from tests.wasi.guest import Calls, directory_record
from tests.wasi.test_descriptors_like_wasmtime import *  # noqa: F403
from tests.wasi.test_like_wasmtime import *  # noqa: F403
from tests.wasi.test_paths_like_wasmtime import *  # noqa: F403


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
