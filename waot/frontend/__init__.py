"""Bytes to a validated `Module`. Knows nothing of LLVM, targets or the linker."""

from __future__ import annotations

from waot.frontend.body import validate_function
from waot.frontend.decode import decode_module
from waot.frontend.facts import collect_facts
from waot.frontend.linking import Part, link_modules

__all__ = ["Part", "collect_facts", "decode_module", "link_modules", "validate_function"]
