/* For driver.c: a call that can be left from below, also from a handler of exceptions, which runs on the same stack. */
        .text

/* int waot_suite_try(void (*function)(const void *), const void *argument, void **frame) */
        .globl  waot_suite_try
        .def    waot_suite_try; .scl 2; .type 32; .endef
        .seh_proc waot_suite_try
waot_suite_try:
        stp     x29, x30, [sp, #-160]!
        .seh_save_fplr_x 160
        stp     x19, x20, [sp, #16]
        .seh_save_regp x19, 16
        stp     x21, x22, [sp, #32]
        .seh_save_regp x21, 32
        stp     x23, x24, [sp, #48]
        .seh_save_regp x23, 48
        stp     x25, x26, [sp, #64]
        .seh_save_regp x25, 64
        stp     x27, x28, [sp, #80]
        .seh_save_regp x27, 80
        stp     d8, d9, [sp, #96]
        .seh_save_fregp d8, 96
        stp     d10, d11, [sp, #112]
        .seh_save_fregp d10, 112
        stp     d12, d13, [sp, #128]
        .seh_save_fregp d12, 128
        stp     d14, d15, [sp, #144]
        .seh_save_fregp d14, 144
        .seh_endprologue
        mov     x9, sp
        str     x9, [x2]
        mov     x9, x0
        mov     x0, x1
        blr     x9
        mov     w0, #0
.Lleave:
        ldp     x19, x20, [sp, #16]
        ldp     x21, x22, [sp, #32]
        ldp     x23, x24, [sp, #48]
        ldp     x25, x26, [sp, #64]
        ldp     x27, x28, [sp, #80]
        ldp     d8, d9, [sp, #96]
        ldp     d10, d11, [sp, #112]
        ldp     d12, d13, [sp, #128]
        ldp     d14, d15, [sp, #144]
        ldp     x29, x30, [sp], #160
        ret
        .seh_endproc

/* void waot_suite_throw(void *frame): the guard of the stack may have been used up, so it is put back. */
        .globl  waot_suite_throw
        .def    waot_suite_throw; .scl 2; .type 32; .endef
waot_suite_throw:
        mov     sp, x0
        bl      waot_windows_guard_stack
        mov     w0, #1
        b       .Lleave
