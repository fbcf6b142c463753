/* Where the stack pointer is among registers in the order of the system's CONTEXT, in which waot_capture stores them; on
 * i386, whose frames DWARF describes, in that of their DWARF numbers (System V ABI for i386 figure 2.14). */
#ifndef WAOT_REGISTERS_H
#define WAOT_REGISTERS_H

#if defined(__x86_64__)
#define WAOT_REGISTER_SP 4
#elif defined(__aarch64__)
#define WAOT_REGISTER_SP 31
#elif defined(__i386__)
#define WAOT_REGISTER_SP 4
#define WAOT_REGISTER_RETURN 8
#endif

#endif
