/* What cannot be asked any more once the program has confined itself. */
#ifndef WAOT_FREEBSD_CONFINE_H
#define WAOT_FREEBSD_CONFINE_H

#include <stdint.h>

/* Bytes of memory that the machine has; 0 before waot_os_confine. */
extern uint64_t waot_freebsd_memory_size;
/* The same from the kernel; 0 where it does not say. */
uint64_t waot_freebsd_ask_memory_size(void);

#endif
