// C++ exceptions for programs that zig compiles to WebAssembly: its library for WASI is made without.
//
// What lies between WebAssembly's throw and the C++ ABI is here; the rest is the ABI library's own source, which zig
// carries, made a part of the program (with -iquote{zig}/libcxx/src).
#pragma once

#define _LIBCPP_BUILDING_LIBRARY // declares what the library's own sources need
#define _LIBCXXABI_BUILDING_LIBRARY
#define _LIBCXXABI_HAS_NO_THREADS

#include <cstdint>
#include <unwind.h>

asm(".globl __cpp_exception\n"
    ".tagtype __cpp_exception i32\n"
    "__cpp_exception:\n");

extern "C" {

// Compiled landing pads write the first two and read the third.
struct waot_landing_pad {
    std::uintptr_t index, lsda, selector;
};
waot_landing_pad __wasm_lpad_context;

_Unwind_Reason_Code __gxx_personality_wasm0(int, _Unwind_Action, _Unwind_Exception_Class, _Unwind_Exception *,
                                            _Unwind_Context *);

// Called by landing pads: which of the catch clauses is it? The frame is the one that __wasm_lpad_context tells of.
_Unwind_Reason_Code _Unwind_CallPersonality(void *exception) {
    auto *object = static_cast<_Unwind_Exception *>(exception);
    __wasm_lpad_context.selector = 0;
    return __gxx_personality_wasm0(1, _UA_SEARCH_PHASE, object->exception_class, object,
                                   reinterpret_cast<_Unwind_Context *>(&__wasm_lpad_context));
}

_Unwind_Reason_Code _Unwind_RaiseException(_Unwind_Exception *exception) { __builtin_wasm_throw(0, exception); }

void _Unwind_DeleteException(_Unwind_Exception *exception) {
    if (exception->exception_cleanup)
        exception->exception_cleanup(_URC_FOREIGN_EXCEPTION_CAUGHT, exception);
}

_Unwind_Word _Unwind_GetIP(_Unwind_Context *) { return __wasm_lpad_context.index + 2; } // the personality takes off 2
void *_Unwind_GetLanguageSpecificData(_Unwind_Context *) { return reinterpret_cast<void *>(__wasm_lpad_context.lsda); }
_Unwind_Ptr _Unwind_GetRegionStart(_Unwind_Context *) { return 0; }
void _Unwind_SetIP(_Unwind_Context *, _Unwind_Word) {}
void _Unwind_SetGR(_Unwind_Context *, int index, _Unwind_Word value) {
    if (index == 1)
        __wasm_lpad_context.selector = value;
}
}

#include <../../libcxxabi/src/cxa_exception.cpp>
#include <../../libcxxabi/src/cxa_exception_storage.cpp>
#include <../../libcxxabi/src/cxa_personality.cpp>
