"""Which functions may throw, decided for the whole program: all others are called without looking for an exception."""

from __future__ import annotations

from waot.frontend.module import Facts, Module


def find_throwing(module: Module, facts: Facts, referenced: frozenset[int]) -> tuple[frozenset[int], frozenset[int]]:
    """The functions that may end with an exception pending, and the canonical types through which one may be called.

    `referenced` are the functions of which a funcref exists; a call through a type may reach those of its subtypes.
    """
    if not facts.throwing:
        return frozenset(), frozenset()
    callers: dict[int, list[int]] = {}
    for caller, callees in facts.escaping_callees.items():
        for callee in callees:
            callers.setdefault(callee, []).append(caller)
    type_callers: dict[int, list[int]] = {}
    for caller, types in facts.escaping_types.items():
        for type_index in types:
            type_callers.setdefault(type_index, []).append(caller)
    throws = set(facts.throwing)
    throwing_types: set[int] = set()
    work = list(throws)
    while work:
        function = work.pop()
        reached = list(callers.get(function, ()))
        if function in referenced:
            reached_type: int | None = module.canonical[module.funcs[function]]
            while reached_type is not None and reached_type not in throwing_types:
                throwing_types.add(reached_type)
                reached += type_callers.get(reached_type, ())
                reached_type = module.supertypes[reached_type]
        for caller in reached:
            if caller not in throws:
                throws.add(caller)
                work.append(caller)
    return frozenset(throws), frozenset(throwing_types)
