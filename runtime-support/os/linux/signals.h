/* Faults as traps, on Linux. */
#ifndef WAOT_SIGNALS_H
#define WAOT_SIGNALS_H

/* Directs SIGSEGV and SIGBUS to the handler, on a stack of its own. */
void waot_catch_faults(void);

#endif
