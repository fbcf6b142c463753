/* What C cannot say on i386 Windows: stack switch and register capture, as everywhere, and the making of large frames,
 * which compiled code calls. */
#include "../posix/x86.S"

/* _alloca: lowers the stack pointer by eax bytes, touching each page on the way: only the page behind the last one that
 * was touched is a guard that makes the stack grow. Changes eax alone. */
        function _alloca
        pushl   %ecx
        .cfi_adjust_cfa_offset 4
        leal    8(%esp), %ecx           /* the caller's stack pointer */
        cmpl    $4096, %eax
        jb      2f
1:      subl    $4096, %ecx
        testb   %cl, (%ecx)
        subl    $4096, %eax
        cmpl    $4096, %eax
        ja      1b
2:      subl    %eax, %ecx
        testb   %cl, (%ecx)
        movl    4(%esp), %eax           /* the return address */
        xchgl   %ecx, (%esp)            /* its own value again; the new stack pointer is kept in its place */
        movl    (%esp), %esp
        .cfi_undefined eip
        jmp     *%eax
        end     _alloca
