/* The registers have the same DWARF numbers whatever the system. */
#include "../linux/registers.h"
