"""Says at the end of a test run how much of the official suite was executed, and why the rest was not."""

from __future__ import annotations

from collections import Counter

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    passed = failed = 0
    skipped: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if "test_execution.py" in getattr(report, "nodeid", "") and getattr(report, "when", "") == "call":
                properties = dict(report.user_properties)
                passed += properties.get("passed", 0)
                failed += properties.get("failed", 0)
                skipped.update(properties.get("skipped", {}))
    if passed or failed:
        terminalreporter.write_sep("-", "official test suite, executed")
        terminalreporter.write_line(f"{passed} assertions passed, {failed} failed, {skipped.total()} skipped:")
        for reason, count in skipped.most_common():
            terminalreporter.write_line(f"{count:8} {reason}")
