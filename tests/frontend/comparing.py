"""The hot loop against the plain one: the same body or the same error."""

from __future__ import annotations

from collections.abc import Callable

from waot.errors import WaotError
from waot.frontend import validate_function
from waot.frontend.body import run_plain, validate_into
from waot.frontend.module import Body, Facts, Module
from waot.frontend.validator import Validator


def validate_plainly(module: Module, index: int) -> Body:
    """`validate_function` without the hot loop."""
    v = Validator(module, index)
    return v.finish(run_plain(v))


def _outcome(validate: Callable[[Module, int], Body], module: Module, index: int) -> Body | WaotError:
    try:
        return validate(module, index)
    except WaotError as error:
        return error


def validate_both_ways(module: Module, index: int) -> Body:
    """The body that both loops make of a function; raises the error that both raise."""
    plain = _outcome(validate_plainly, module, index)
    fast = _outcome(validate_function, module, index)
    if isinstance(plain, WaotError):
        assert (type(fast), str(fast)) == (type(plain), str(plain))
        raise plain
    assert fast == plain
    return plain


def facts_plainly(module: Module, index: int) -> Facts:
    """`collect_facts` of one function without the hot loop."""
    facts = Facts()
    validate_into(facts, module, index, run_plain)
    return facts
