"""Implementation limits, as the core specification's appendix "Implementation Limitations" allows.

Where the WebAssembly JavaScript interface states a limit ("Limits" there) ours is the same, so that what runs in a
browser compiles here. The others keep time and memory linear in the size of a hostile module. A module beyond a limit
is refused with `UnsupportedError`.
"""

from __future__ import annotations

from typing import Final

# From the JavaScript interface.
MAX_TYPES: Final = 1_000_000
MAX_FUNCTIONS: Final = 1_000_000
MAX_IMPORTS: Final = 1_000_000
MAX_EXPORTS: Final = 1_000_000
MAX_GLOBALS: Final = 1_000_000
MAX_DATA_SEGMENTS: Final = 100_000
MAX_TABLES: Final = 100_000
MAX_MEMORIES: Final = 100
MAX_TABLE_SEGMENT: Final = 10_000_000  # entries of one element segment
MAX_BODY_BYTES: Final = 7_654_321
MAX_LOCALS: Final = 50_000  # of one function, with its parameters
MAX_PARAMS: Final = 1_000
MAX_RESULTS: Final = 1_000
MAX_BR_TABLE: Final = 65_520
MAX_FIELDS: Final = 10_000  # of one struct
MAX_ARRAY_OPERANDS: Final = 10_000  # of one array.new_fixed
MAX_SUBTYPING_DEPTH: Final = 63
MAX_TAGS: Final = 1_000_000
MAX_CATCHES: Final = 10_000  # clauses of one try_table

# Modules linked into one program: the bits that a backtrace has for their number (WAOT_FUNCTION_INDEX_BITS).
MAX_INSTANCES: Final = 2_047

# As many element segments as engines accept; the JavaScript interface names 10,000,000.
MAX_ELEMENT_SEGMENTS: Final = 10_000_000

# A two-byte call can push 1,000 values, so the operand stack could grow to hundreds of times the body.
MAX_OPERANDS: Final = 1_000_000

# Two bytes open a block, which costs a few hundred bytes here and more in LLVM. Compilers stay below 10,000.
MAX_NESTING: Final = 100_000

# Loops nested deeper than this share the list of assigned locals of the ancestor at this depth. The lists together
# then have at most this many times as many entries as the body has assignments; without it their size is the product
# of nesting and locals.
MAX_LOOP_SCOPES: Final = 32

# Sections 3.2.16 and 3.2.15: the bytes of a memory and the elements of a table, by the bits of an index.
MAX_MEMORY_BYTES: Final = {32: 2**32, 64: 2**64}
MAX_TABLE_ELEMENTS: Final = {32: 2**32 - 1, 64: 2**64 - 1}
