"""The command line in a directory of its own, as the tests of the command line have it."""

from __future__ import annotations

from tests.cli.conftest import hello, shared_cache, waot

__all__ = ["hello", "shared_cache", "waot"]
