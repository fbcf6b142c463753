/* Faults as traps: the same two functions as on Linux. */
#include "../linux/signals.h"
