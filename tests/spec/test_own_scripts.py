"""Scripts in the form of the official suite's, for what that does not ask: scripts/*.wast."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.programs.harness import Configuration
from tests.spec import suite

SCRIPTS = sorted((Path(__file__).parent / "scripts").glob("*.wast"))


@pytest.mark.parametrize("level", "02")
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_script(script: Path, level: str) -> None:
    outcome = suite.run_script(str(script), Configuration("x86_64-linux", "guarded", level))
    assert outcome.total > 0
    assert not outcome.failures, "\n".join(outcome.failures)
