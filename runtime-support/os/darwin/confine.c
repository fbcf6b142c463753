/* Giving up what the program does not need, of os.h. */
#include "posix.h"

void waot_os_confine(const void *filters, size_t size, uint32_t grants, bool required)
{
    /* Builds for macOS have no filters: what Darwin has of the kind, sandbox_init(3), is not for new programs. */
    (void)filters, (void)size, (void)grants, (void)required;
}
