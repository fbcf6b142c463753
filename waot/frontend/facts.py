"""What whole-module decisions need to know of the code: validates functions and gathers `Facts` about them."""

from __future__ import annotations

from collections.abc import Iterable

from waot.frontend.body import validate_into
from waot.frontend.module import Facts, Module


def collect_facts(module: Module, indices: Iterable[int]) -> Facts:
    """Validates these functions (indices in the function index space, no imports) and tells what their code does.

    One body is held at a time. Raises what `validate_function` raises, for the first function that is not valid.
    """
    facts = Facts()
    for index in indices:
        validate_into(facts, module, index)
    return facts
