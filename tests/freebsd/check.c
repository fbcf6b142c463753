/* Compiled for FreeBSD against the headers that zig brings, it compares them with abi.h; nothing of it is run. */
#include <sys/types.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/elf_common.h>
#include <sys/filio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysctl.h>
#include <sys/thr.h>
#include <sys/ttycom.h>
#include <sys/ucontext.h>
#include <sys/umtx.h>
#include <termios.h>
#ifdef __x86_64__
#include <machine/sysarch.h>
#endif
#include <time.h>

#include "abi.h"

#define SAME(name, value) _Static_assert((long)(name) == (value), #name);
#define SAME_ERROR(name, value) _Static_assert(E##name == (value), #name);
#define SAME_SIGNAL(name, value) _Static_assert(SIG##name == (value), #name);
#define SAME_PLACE(ours, theirs, field) _Static_assert(offsetof(ours, field) == offsetof(theirs, field), #field);
#define SAME_SIZE(ours, theirs) _Static_assert(sizeof(ours) == sizeof(theirs), #ours);

FREEBSD_CALLS(SAME)
FREEBSD_CONSTANTS(SAME)
FREEBSD_OWN_ERRORS(SAME)
FREEBSD_ERRORS(SAME_ERROR)
FREEBSD_SIGNALS(SAME_SIGNAL)
FREEBSD_FIELDS(SAME_PLACE)
FREEBSD_SIZES(SAME_SIZE)
_Static_assert(offsetof(siginfo_t, si_signo) == offsetof(struct f_siginfo, number), "si_signo");
_Static_assert(offsetof(siginfo_t, si_code) == offsetof(struct f_siginfo, code), "si_code");
_Static_assert(offsetof(siginfo_t, si_pid) == offsetof(struct f_siginfo, process), "si_pid");
_Static_assert(offsetof(siginfo_t, si_uid) == offsetof(struct f_siginfo, user), "si_uid");
_Static_assert(offsetof(siginfo_t, si_addr) == offsetof(struct f_siginfo, address), "si_addr");
_Static_assert(offsetof(struct sigaction, __sigaction_u) == offsetof(struct f_sigaction, handler), "handler");

#ifdef __x86_64__
FREEBSD_X86_64_CONSTANTS(SAME)
FREEBSD_X86_64_FIELDS(SAME_PLACE)
SAME_SIZE(struct f_mcontext, mcontext_t)
SAME_SIZE(struct f_ucontext, ucontext_t)
#else
/* What os/freebsd reads of it on AArch64: general registers first, 30 of them, then lr, sp and pc. */
_Static_assert(offsetof(ucontext_t, uc_mcontext) == 16, "uc_mcontext");
_Static_assert(offsetof(mcontext_t, mc_gpregs) == 0, "mc_gpregs");
_Static_assert(offsetof(struct gpregs, gp_x) == 0 && sizeof((struct gpregs){0}.gp_x) == 30 * 8, "gp_x");
_Static_assert(offsetof(struct gpregs, gp_lr) == 240 && offsetof(struct gpregs, gp_sp) == 248, "gp_lr, gp_sp");
_Static_assert(offsetof(struct gpregs, gp_elr) == 256, "gp_elr");
#endif

/* Of an unsigned type a constant is not negative: those that the kernel takes for flags fit an int. */
_Static_assert(sizeof(off_t) == 8 && sizeof(time_t) == 8 && sizeof(ino_t) == 8 && sizeof(dev_t) == 8, "types");
