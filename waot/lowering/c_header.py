"""The C header that is written beside a library or object for a machine without a system.

What does not depend on the module stands in it too, in a guard of its own, so that a program may include the headers of
several modules. Both ends of it are runtime-support/os/none/interface.h.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from waot.lowering.abi import TRAPS
from waot.lowering.c_interface import C_TYPES, CFunction, CInterface
from waot.lowering.imports import WASI_MODULES
from waot.lowering.initial import MemoryPlan
from waot.resources import runtime_support_dir

_COMMON = """\
#ifndef WAOT_INTERFACE_H
#define WAOT_INTERFACE_H

/* How a call ended. A program may end calls itself, with numbers from 256 on. */
enum waot_status {{
    WAOT_OK = 0,
{traps}
    WAOT_EXITED = 64,           /* the module has ended itself: for proc_exit, see waot_leave */
    WAOT_NOT_READY = 65,        /* the instance has not been made, or has trapped when it was */
    WAOT_ALREADY = 66,          /* there is one instance, and it has been made, or has trapped when it was */
    WAOT_MEMORY_TOO_SMALL = 67, /* a buffer is less than what a memory begins with */
    WAOT_STACK_TOO_SMALL = 68   /* there is not enough room between stack_low and the stack pointer */
}};

/* A memory of the module as it is now. */
struct waot_view {{
    uint8_t *base;
    uintptr_t size; /* bytes */
}};

/* What imports are given. */
struct waot_instance {{
    void *context;                  /* as in the environment */
    const struct waot_view *memory; /* the one that the module exports as "memory", otherwise its first; null: none */
    uintptr_t trap_address;         /* of the code behind the last trap: addr2line tells where in the module */
    void (*leave)(struct waot_instance *instance, int status); /* see waot_leave */
}};

struct waot_buffer {{
    void *base;
    size_t size; /* bytes */
}};

/* What an instance is made with. */
struct waot_environment {{
    void *context;                      /* for imports; waot does not look at it */
    const struct waot_buffer *memories; /* one for each memory of the module, which grows up to its size; they must
                                         * stay. Need not be zero, nor aligned. */
    void *stack_low;                    /* the lowest address of the stack that the module's code may use; what imports
                                         * and interrupts need comes below */
}};

/* The `size` bytes at `address` in the module's memory, or null where they are not all in it. Addresses and sizes come
 * from the module: nothing that it says may be used in another way. */
static inline void *waot_at(const struct waot_instance *instance, uint64_t address, uint64_t size)
{{
    const struct waot_view *memory = instance->memory;
    if (!memory || address > memory->size || size > memory->size - address)
        return 0;
    return memory->base + (size_t)address;
}}

/* From an import: ends the innermost call of the module, which returns `status`, at least 1. Does not return. */
static inline void waot_leave(struct waot_instance *instance, int status)
{{
    instance->leave(instance, status);
}}

#endif"""


def c_header(interface: CInterface, memories: list[MemoryPlan], file: str, version: str) -> str:
    """The header for the module in `file`."""
    prefix = interface.prefix
    guard = f"WAOT_{prefix.upper()}_H"
    names = [_comment(file), "Written by waot " + version + "."]
    traps = "\n".join(f"    WAOT_TRAP_{name.upper()} = {number}," for number, name in enumerate(TRAPS, 1))
    lines = [f"/* {names[0]}: its functions, and those that it needs. {names[1]} */", f"#ifndef {guard}"]
    lines += [f"#define {guard}", "", "#include <stddef.h>", "#include <stdint.h>", "", "#ifdef __cplusplus"]
    lines += ['extern "C" {', "#endif", "", _COMMON.format(traps=traps), ""]
    lines += [f"#define WAOT_{prefix.upper()}_MEMORIES {len(memories)}"]
    for number, memory in enumerate(memories):
        what = f"WAOT_{prefix.upper()}_MEMORY" + (f"_{number}" if number else "")
        most = min(memory.maximum << memory.page_log2, (1 << 64) - 1)
        lines.append(f"#define {what}_BYTES {_number(memory.bytes)} /* what it begins with */")
        lines.append(f"#define {what}_MAXIMUM {_number(most)} /* what it can grow to */")
    lines += ["", "/* Makes the instance: memories, data, start function. Once. */"]
    lines += [f"int32_t {interface.init}(const struct waot_environment *environment);", ""]
    lines += ["/* What the module exports. Each returns how the call ended; results are stored if that is 0. */", ""]
    lines += _exports(interface)
    if interface.imports:
        lines += ["/* What the module imports, for you to define. */", ""]
        lines += _imports(interface)
    lines += ["#ifdef __cplusplus", "}", "#endif", "", "#endif"]
    return "\n".join(lines) + "\n"


def _number(value: int) -> str:
    return f"{value}u" if value < 1 << 32 else f"UINT64_C({value})"


def _comment(text: str) -> str:
    """`text`, which is not ours, for a comment."""
    shown = "".join(c if c.isprintable() else "?" for c in text)
    return shown.replace("*/", "* /").replace("/*", "/ *").replace("\\", "/").replace("??", "? ?")


def _exports(interface: CInterface) -> Iterator[str]:
    for function in interface.exports:
        parameters = [f"{C_TYPES[p]} p{i}" for i, p in enumerate(function.type.params)]
        results = [f"{C_TYPES[r]} *{'result' if i == 0 else f'result{i}'}" for i, r in enumerate(function.type.results)]
        yield f'/* "{_comment(function.name)}" */'
        yield f"int32_t {function.symbol}({', '.join([*parameters, *results]) or 'void'});"
        yield ""
    for name in interface.left_out:
        yield f'/* "{_comment(name)}" takes or returns what C has no type for. */'
        yield ""


def _imports(interface: CInterface) -> Iterator[str]:
    for function in interface.imports:
        result = C_TYPES[function.type.results[0]] if function.type.results else "void"
        names = _parameter_names(function)
        typed = [f"{C_TYPES[p]} {name}" for p, name in zip(function.type.params, names, strict=True)]
        yield f'/* "{_comment(function.name)}" */'
        yield f"{result} {function.symbol}({', '.join(['struct waot_instance *instance', *typed])});"
        yield ""


def _parameter_names(function: CFunction) -> list[str]:
    """WASI's own names, otherwise p0, p1, …."""
    module, _, name = function.name.partition(".")
    if module in WASI_MODULES:
        definitions = (runtime_support_dir() / "include" / "wasi_preview1.def").read_text(encoding="utf-8")
        line = re.search(rf"^WASI\({re.escape(name)}, \w+, \(MEMORY(.*)\)\)$", definitions, re.MULTILINE)
        if line is not None:
            return re.findall(r"I(?:32|64) (\w+)", line[1])
    return [f"p{i}" for i in range(len(function.type.params))]
