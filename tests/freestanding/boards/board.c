/* Four machines. x86-64 and AArch64 are processes of Linux, for qemu-user, that make two system calls; thumb is a Cortex-M4
 * of Arm's (qemu: mps2-an386) with semihosting; riscv32 is qemu's virt. */
#include "board.h"

__attribute__((aligned(16))) unsigned char board_memory[BOARD_BELOW + BOARD_STACK];

__attribute__((used, noreturn)) static void board_begin(void)
{
    board_exit(board_main());
}

#if defined(__x86_64__)
__asm__(".globl _start\n_start: lea board_memory+4096+262144(%rip), %rsp\n xor %ebp, %ebp\n call board_begin\n ud2\n");

static long board_call(long number, long a, long b, long c)
{
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return result;
}
#define WRITE 1
#define EXIT 231
#elif defined(__aarch64__)
__asm__(".globl _start\n_start: adrp x0, board_memory+4096+262144\n add x0, x0, :lo12:board_memory+4096+262144\n"
        " mov sp, x0\n mov x29, #0\n mov x30, #0\n bl board_begin\n brk #1\n");

static long board_call(long number, long a, long b, long c)
{
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
    return x0;
}
#define WRITE 64
#define EXIT 94
#elif defined(__thumb__)
/* Stack pointer and entry, which switches the floating-point unit on: CPACR. */
__asm__(".section .vectors,\"a\"\n .word board_memory+4096+262144\n .word _start\n .text\n"
        ".globl _start\n.thumb_func\n.type _start,%function\n_start:\n ldr r0, =0xE000ED88\n ldr r1, [r0]\n"
        " orr r1, r1, #0xF00000\n str r1, [r0]\n dsb\n isb\n bl board_begin\n.ltorg\n");

static int board_semihosting(int operation, const void *argument)
{
    register int r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

void board_write(const char *text, size_t size)
{
    const uintptr_t name[3] = {(uintptr_t) ":tt", 4, 3}; /* SYS_OPEN of the console for writing */
    static int handle = -1;
    if (handle < 0)
        handle = board_semihosting(1, name);
    const uintptr_t words[3] = {(uintptr_t)handle, (uintptr_t)text, size};
    board_semihosting(5, words); /* SYS_WRITE */
}

void board_exit(int status)
{
    const uintptr_t words[2] = {0x20026, (uintptr_t)status}; /* ADP_Stopped_ApplicationExit */
    board_semihosting(0x20, words);                           /* SYS_EXIT_EXTENDED */
    for (;;)
        ;
}
#elif defined(__riscv)
__asm__(".section .vectors,\"ax\"\n.globl _start\n_start: la sp, board_memory+4096+262144\n call board_begin\n");

void board_write(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        *(volatile unsigned char *)0x10000000 = (unsigned char)text[i];
}

void board_exit(int status)
{
    *(volatile uint32_t *)0x100000 = status ? (uint32_t)status << 16 | 0x3333 : 0x5555;
    for (;;)
        ;
}
#endif

#ifdef WRITE
void board_write(const char *text, size_t size)
{
    while (size) {
        long written = board_call(WRITE, 1, (long)text, (long)size);
        if (written <= 0)
            break;
        text += written;
        size -= (size_t)written;
    }
}

void board_exit(int status)
{
    for (;;)
        board_call(EXIT, status, 0, 0);
}
#endif

void board_print(const char *text)
{
    size_t size = 0;
    while (text[size])
        size++;
    board_write(text, size);
}

void board_number(uint64_t value)
{
    char digits[16];
    for (unsigned i = 0; i < 16; i++)
        digits[i] = "0123456789abcdef"[value >> (60 - 4 * i) & 15];
    unsigned first = 0;
    while (first < 15 && digits[first] == '0')
        first++;
    board_write(digits + first, 16 - first);
}
