/* What the entry point learned from the kernel; read-only once waot_module runs. */
#ifndef WAOT_PROCESS_H
#define WAOT_PROCESS_H

#include "../include/waot_threads.h"

#include <stddef.h>
#include <stdint.h>

struct waot_process {
    int argc;
    char **argv; /* argc strings, then null */
    char **envp; /* NAME=VALUE strings, then null */
    size_t page_size;
    int secure; /* whoever started us has less authority than we (AT_SECURE): his environment must not add any */
    const unsigned char *manifest; /* the records of waot_abi.h */
    const unsigned char *manifest_end;
    const unsigned char *embedded; /* struct waot_embed_image, where a record of the manifest speaks of one */
};
extern struct waot_process waot_process;

/* The wasm stack of this thread. */
struct waot_stack {
    uintptr_t guard; /* [guard, low) is never mapped: a fault there is an exhausted call stack */
    uintptr_t low;   /* the stack is [low, high) */
    uintptr_t high;
};
extern WAOT_THREAD_LOCAL struct waot_stack waot_stack;

/* Linker script: the executable as loaded, without memory 0. Hidden, so that their addresses are relative to the program
 * counter: the first is read before the image is relocated. */
extern const unsigned char waot_image_start[] __attribute__((visibility("hidden")));
extern const unsigned char waot_image_end[] __attribute__((visibility("hidden")));

/* In os/<system>/threads/: whether that is an address of this thread's variables. */
int waot_is_thread_local(uintptr_t address);
/* In the same place: the first thread to come here is the one that ends the program; others do not come back. */
void waot_end_program(void);

/* What the program does, on the wasm stack: instantiation, then the entry. Weak, for a program that does something else
 * with its instances (tests/spec/driver.c). Does not return. */
void waot_main(void);

/* In wasi/: called once before waot_module.instantiate, on the wasm stack. */
void waot_wasi_start(void);

/* Ends the program with that status; all of its threads. */
_Noreturn void waot_exit(int status);
/* "waot: " message newline on standard error, then status 134: what the system refused us. */
_Noreturn void waot_fatal(const char *message);

#endif
