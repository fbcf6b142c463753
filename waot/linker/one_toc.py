"""POWER's assembly without what is there for programs with several TOCs, and for debuggers of former times.

LLVM begins a function with two instructions that make r2, for callers with another TOC; puts a `nop` behind a call of
what is in another object, where a linker has r2 restored; and ends a function with a traceback table, twelve zeros.
"""

from __future__ import annotations

import re

_TABLE = re.compile(r"^\t\.long\t0\n\t\.quad\t0\n(?=\.Lfunc_end)", re.MULTILINE)
_RESTORED = re.compile(r"^(\tbl [^\n]*\n)\tnop\n", re.MULTILINE)
_ENTRY = re.compile(
    r"^\.Lfunc_gep\d+:\n\taddis 2, [^\n]*\n\taddi 2, [^\n]*\n\.Lfunc_lep\d+:\n\t\.localentry\t([\w.$]+),[^\n]*\n",
    re.MULTILINE,
)
_POINTED = re.compile(r"([\w.$]+)@toc|^\t\.quad\t([\w.$]+)", re.MULTILINE)
PATTERNS = tuple(pattern.pattern for pattern in (_TABLE, _RESTORED, _ENTRY, _POINTED))


def for_one_toc(text: str) -> str:
    """The assembly of a C file, as clang writes it, for programs with one TOC.

    A function that has its address taken keeps its entry: of those is the handler of faults, and these may be in a
    function that uses r2 for something else.
    """
    pointed = {name for pair in _POINTED.findall(text) for name in pair}
    text = _ENTRY.sub(lambda entry: entry[0] if entry[1] in pointed else "", text)
    return _RESTORED.sub(r"\1", _TABLE.sub("", text))
