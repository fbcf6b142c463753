/* What C cannot say on s390x Linux: entry point, system call, stack switch, signal return, register capture.
 * Unwinding stops where a frame's return address is undefined: _start and waot_switch_stack. Who calls leaves 160 bytes
 * below its own frame to the callee (ELF ABI s390x supplement, 1.2.2). */
        .text

/* Entry: the stack pointer is at argc. Static PIEs relocate themselves in waot_start. */
        .globl  _start
        .type   _start, @function
_start:
        .cfi_startproc
        .cfi_undefined %r14
        lgr     %r2, %r15
        lghi    %r0, -8
        ngr     %r15, %r0
        aghi    %r15, -160
        xc      0(8, %r15), 0(%r15)
        brasl   %r14, waot_start
        .short  0                       /* no instruction */
        .cfi_endproc
        .size   _start, . - _start

/* long waot_syscall(long number, long a, long b, long c, long d, long e, long f): the last two are in the caller's
 * frame. mmap takes its six by the address of where they are. */
        .globl  waot_syscall
        .hidden waot_syscall
        .type   waot_syscall, @function
waot_syscall:
        .cfi_startproc
        stmg    %r6, %r7, 48(%r15)
        .cfi_offset %r6, -112
        .cfi_offset %r7, -104
        lgr     %r1, %r2
        lgr     %r2, %r3
        lgr     %r3, %r4
        lgr     %r4, %r5
        lgr     %r5, %r6
        lg      %r6, 160(%r15)
        lg      %r7, 168(%r15)
        cghi    %r1, 90                 /* mmap */
        je      .Lmmap
        svc     0
        lmg     %r6, %r7, 48(%r15)
        br      %r14
.Lmmap:
        aghi    %r15, -48
        .cfi_adjust_cfa_offset 48
        stmg    %r2, %r7, 0(%r15)
        lgr     %r2, %r15
        svc     0
        aghi    %r15, 48
        .cfi_adjust_cfa_offset -48
        lmg     %r6, %r7, 48(%r15)
        br      %r14
        .cfi_endproc
        .size   waot_syscall, . - waot_syscall

/* void waot_switch_stack(void *top, void (*function)(void)): continues in function on the stack that ends at top. */
        .globl  waot_switch_stack
        .hidden waot_switch_stack
        .type   waot_switch_stack, @function
waot_switch_stack:
        .cfi_startproc
        .cfi_undefined %r14
        lgr     %r15, %r2
        aghi    %r15, -160
        xc      0(8, %r15), 0(%r15)
        basr    %r14, %r3
        .short  0
        .cfi_endproc
        .size   waot_switch_stack, . - waot_switch_stack

/* sa_restorer */
        .globl  waot_signal_return
        .hidden waot_signal_return
        .type   waot_signal_return, @function
waot_signal_return:
        svc     173                     /* rt_sigreturn */
        .size   waot_signal_return, . - waot_signal_return

/* void waot_capture(struct waot_registers *): the registers as they are after the return, by DWARF number. */
        .globl  waot_capture
        .hidden waot_capture
        .type   waot_capture, @function
waot_capture:
        .cfi_startproc
        stmg    %r0, %r15, 0(%r2)
        stg     %r14, 256(%r2)          /* pc */
        br      %r14
        .cfi_endproc
        .size   waot_capture, . - waot_capture

        .section .note.GNU-stack, "", @progbits
