/* Faults as traps, on Darwin. */
#ifndef WAOT_SIGNALS_H
#define WAOT_SIGNALS_H

/* Directs SIGSEGV and SIGBUS to the handler, on a stack of its own. */
void waot_catch_faults(void);

/* <architecture>.S: goes on in `function`, which does not return, on the stack that ends at `top`. */
_Noreturn void waot_switch_stack(void *top, void (*function)(void));

#endif
