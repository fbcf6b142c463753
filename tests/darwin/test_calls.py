"""Preview 1 on macOS, call by call: what tests/wasi asks of the shim on Linux, each test as it stands there."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.wasi.guest import SUCCESS, Calls
from tests.wasi.test_bad_pointers import *  # noqa: F403
from tests.wasi.test_deterministic import *  # noqa: F403
from tests.wasi.test_faults import *  # noqa: F403
from tests.wasi.test_file_grants import *  # noqa: F403
from tests.wasi.test_files import *  # noqa: F403
from tests.wasi.test_large_files import *  # noqa: F403
from tests.wasi.test_listening import *  # noqa: F403
from tests.wasi.test_process import *  # noqa: F403
from tests.wasi.test_rights import *  # noqa: F403
from tests.wasi.test_run_time_grants import *  # noqa: F403
from tests.wasi.test_sandbox import *  # noqa: F403
from tests.wasi.test_unstable import *  # noqa: F403

PWR = 29


def test_a_signal_that_macos_lacks_is_not_supported(start: Callable[..., Calls]) -> None:
    calls = start(stderr=subprocess.DEVNULL)
    assert calls.guest.call("proc_raise", PWR) == "notsup"
    assert calls.guest.call("sched_yield") == SUCCESS


def test_a_listing_goes_on_with_what_was_there_when_it_began(at_root: Calls, root: Path) -> None:
    for number in range(300):
        (root / f"old{number}").write_text("")
    entries = at_root.readdir(3)
    middle, behind = entries[150], [entry.name for entry in entries[151:]]
    for entry in entries[2::3]:
        (root / entry.name.decode()).unlink()
    for number in range(200):
        (root / f"new{number}").write_text("")
    assert [entry.name for entry in at_root.readdir(3, 300, middle.next)] == behind
    # From the start everything that is there now, each once.
    found = [entry.name.decode() for entry in at_root.readdir(3, 300)]
    assert sorted(found[2:]) == sorted(path.name for path in root.iterdir())
