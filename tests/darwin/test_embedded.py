"""Embedded directories and overlays on macOS, call by call: what tests/wasi asks of the shim on Linux."""

from __future__ import annotations

import pytest

import tests.wasi.test_embedded
import tests.wasi.test_overlay
from tests import tools
from tests.darwin import conftest
from tests.darwin.guest import MacosGuest
from tests.wasi.test_embedded import *  # noqa: F403
from tests.wasi.test_overlay import *  # noqa: F403


class Guest(MacosGuest):
    """What those tests start by themselves, of which architecture they say."""

    def __init__(self, architecture: str, **options: object) -> None:
        super().__init__(conftest.NAMES[0], **options)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def macos(monkeypatch: pytest.MonkeyPatch) -> None:
    tools.runner_or_skip(conftest.NAMES[0])
    for module in (tests.wasi.test_embedded, tests.wasi.test_overlay):
        monkeypatch.setattr(module, "NativeGuest", Guest)
