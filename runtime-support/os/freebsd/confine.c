/* Giving up what the program does not need: capability mode (capsicum(4)).
 *
 * From then on no system call takes a name from outside of a directory that is open, no process can be signalled but
 * this one, and nothing of that can be had back: what remains are the descriptors of the standard streams and of what was
 * granted. Every kernel since FreeBSD 10 has it unless whoever built it left it out.
 */
#include "confine.h"

#include <sys/types.h>

#include <sys/sysctl.h>

#include "../../core/process.h"
#include "posix.h"

uint64_t waot_freebsd_memory_size;

uint64_t waot_freebsd_ask_memory_size(void)
{
    const int name[] = {CTL_HW, HW_PHYSMEM};
    unsigned long bytes = 0;
    size_t size = sizeof bytes;
    return WAOT_CALL(SYS___sysctl, name, 2, &bytes, &size) < 0 ? 0 : bytes;
}

void waot_os_confine(const void *filters, size_t size, uint32_t grants, bool required)
{
    (void)filters, (void)size, (void)grants;
    waot_freebsd_memory_size = waot_freebsd_ask_memory_size(); /* capability mode hides it */
    if (WAOT_CALL(SYS_cap_enter, 0) < 0 && required) {
        static const char refused[] = "waot: the system refuses capability mode\n";
        waot_os_ignore_write_signals();
        waot_call_write(2, refused, sizeof refused - 1);
        waot_exit(1);
    }
}
