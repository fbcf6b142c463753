"""`waot run`: becoming the program that was built."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from waot.errors import WaotError

if TYPE_CHECKING:
    from waot.pipeline import Artifact
    from waot.targets import Target


def emulator_for(target: Target) -> str | None:
    """The program that runs `target`'s executables here, None where this machine does. Raises WaotError."""
    import shutil

    if target.is_host():
        return None
    path = shutil.which(target.emulator) if target.emulator else None
    if path is None:
        need = f"install {target.emulator}" if target.emulator else "there is no emulator for it"
        raise WaotError(
            f"this machine cannot run executables for {target.name}",
            hint=f"{need}, or use `waot build --target {target.name}`",
        )
    return path


def execute(artifact: Artifact, emulator: str | None, arguments: list[str]) -> NoReturn:
    """Becomes the program `artifact`, with `arguments` (its name first)."""
    sys.stdout.flush()
    sys.stderr.flush()
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)  # as it was before Python and `main`
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and ignored signals stay ignored
    # In memory: nothing is left behind, however the program ends.
    windows = artifact.target.system == "windows"  # Wine's server opens the program, and by the end of its name
    with contextlib.suppress(OSError, AttributeError):
        if windows:
            raise AttributeError
        memory = os.memfd_create("waot", 0)
        try:
            with open(memory, "wb", closefd=False) as file:
                artifact.write(file)
            if emulator is None:
                os.set_inheritable(memory, False)
                os.execve(memory, arguments, os.environ)
            os.execv(emulator, [emulator, "-0", arguments[0], f"/proc/self/fd/{memory}", *arguments[1:]])
        finally:
            os.close(memory)
    # A system without memfd, or that forbids executing them: a file, and a parent that removes it.
    import subprocess
    import tempfile

    try:
        with tempfile.TemporaryDirectory(prefix="waot-") as directory:
            program = os.path.join(directory, f"{arguments[0]}.exe" if windows else "program")
            with open(program, "wb") as file:
                artifact.write(file)
            os.chmod(program, 0o700)
            command, executable = command_for(program, emulator, arguments, windows=windows)
            child = subprocess.Popen(command, executable=executable)
            signal.signal(signal.SIGTERM, lambda number, frame: child.send_signal(number))
            signal.signal(signal.SIGINT, lambda number, frame: None)  # the terminal sends it to the child as well
            status = child.wait()
    except OSError as error:
        raise WaotError(f"the program cannot be started: {error.strerror}") from None
    sys.exit(status_of(status))


def command_for(
    program: str, emulator: str | None, arguments: Sequence[str], *, windows: bool
) -> tuple[list[str], str]:
    """What runs the file `program` with `arguments` (its name first): the arguments, and whom they are given to."""
    command = [arguments[0]]
    if emulator:
        command = [emulator, program] if windows else [emulator, "-0", arguments[0], program]
    return [*command, *arguments[1:]], emulator or program


def status_of(returned: int) -> int:
    """A child's status as shells report it; `returned` is what subprocess says."""
    return returned if returned >= 0 else 128 - returned
