"""What whole-module decisions need to know of the code: validates functions and gathers `Facts` about them."""

from __future__ import annotations

from collections.abc import Iterable

from waot.frontend.body import validate_into
from waot.frontend.linking import locate
from waot.frontend.module import Facts, Module
from waot.frontend.remapping import remap_facts


def collect_facts(module: Module, indices: Iterable[int]) -> Facts:
    """Validates these functions (indices in the function index space, no imports) and tells what their code does.

    One body is held at a time. Raises what `validate_function` raises, for the first function that is not valid.
    """
    facts = Facts()
    if module.instances:
        by_instance: dict[int, list[int]] = {}
        for index in indices:
            number, own = locate(module, index)
            by_instance.setdefault(number, []).append(own)
        for number, own_indices in by_instance.items():
            instance = module.instances[number]
            facts.merge(remap_facts(instance, collect_facts(instance.module, own_indices)))
        return facts
    for index in indices:
        validate_into(facts, module, index)
    return facts
