/* Faults as traps, on Windows. */
#ifndef WAOT_WINDOWS_FAULTS_H
#define WAOT_WINDOWS_FAULTS_H

/* What the system puts on the stack for an exception is 8 KiB with all of AVX-512; the unwinder's frames are 5 KiB. */
#define WAOT_WINDOWS_FAULT_STACK (48 << 10)

/* Of the thread that calls it: where its stack is, of which some is kept for the handler of faults. */
void waot_windows_know_stack(void);
void waot_windows_catch_faults(void);
/* Puts the guard of the stack where it has WAOT_WINDOWS_FAULT_STACK bytes below it. */
void waot_windows_guard_stack(void);

#endif
