"""Arguments of tail calls for which there is no register are each thread's own."""

from __future__ import annotations

from tests.programs.harness import Configuration
from tests.threads.test_threads import built, everywhere, run


@everywhere
def test_threads_have_arguments_of_their_own(configuration: Configuration) -> None:
    done = run(built("wat/tail_calls", configuration), configuration)
    assert (done.returncode, done.stdout, done.stderr) == (7, b"", b"")
