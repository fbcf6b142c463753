"""Function bodies, validated: what the rest of the house asks for.

`validator` has the state and one step, `rules`, `control_rules` and `gc_rules` the operators that need more than a
signature, `fast` the hot loop. A function of linked modules is validated in its own and then remapped.
"""

from __future__ import annotations

from collections.abc import Callable

from waot.frontend import control_rules, gc_rules, rules  # noqa: F401  importing them registers the operators
from waot.frontend.fast import run_fast
from waot.frontend.linking import locate
from waot.frontend.module import Body, Facts, Module
from waot.frontend.remapping import remap_body
from waot.frontend.validator import Validator


def run_plain(v: Validator) -> int:
    """Validates the body operator by operator: what `run_fast` does, written to be read. For the tests."""
    at = v.reader.pos
    while v.controls:
        at = v.step(at)
    return at


def validate_function(module: Module, index: int) -> Body:
    """Validates function `index` (of the function index space, not an import) and gives its reachable code.

    Core specification, sections 3.3, 3.4.1 and 5.4.9. Raises `MalformedError`, `InvalidError` or `UnsupportedError`,
    with the function's name and the byte offset in the file. In a linked module the part that has the function
    validates it, and what comes back is in the linked module's indices.
    """
    if module.instances:
        number, own = locate(module, index)
        instance = module.instances[number]
        return remap_body(instance, validate_function(instance.module, own))
    v = Validator(module, index)
    return v.finish(run_fast(v))


def validate_into(facts: Facts, module: Module, index: int, run: Callable[[Validator], int] = run_fast) -> Body:
    """`validate_function` that also adds what it learns of the code to `facts`."""
    v = Validator(module, index)
    body = v.finish(run(v))
    function = v.catchers[0]
    facts.callees[index] = tuple(sorted(v.callees | function.calls))
    facts.escaping_callees[index] = tuple(sorted(function.calls))
    facts.escaping_types[index] = tuple(sorted(function.types))
    if function.tags:
        facts.throwing.add(index)
    facts.sizes[index] = len(body.code)
    facts.written_tables |= v.written_tables
    facts.written_globals |= v.written_globals
    facts.grown_memories |= v.grown_memories
    facts.indirect_types |= v.indirect_types
    facts.proposals |= v.proposals
    facts.tail_calls |= v.tail_calls
    facts.wide_atomics |= v.wide_atomics
    facts.referred |= v.referred
    return body
