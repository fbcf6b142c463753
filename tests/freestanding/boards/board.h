/* What a machine does for the tests: it writes text where the test reads it, and ends with a status. */
#ifndef BOARD_H
#define BOARD_H

#include <stddef.h>
#include <stdint.h>

void board_write(const char *text, size_t size);
__attribute__((noreturn)) void board_exit(int status);
/* Called on a stack of BOARD_STACK bytes whose lowest is board_stack; what lies below it is board_below. */
#define BOARD_STACK (256u << 10)
#define BOARD_BELOW 4096u
extern unsigned char board_memory[BOARD_BELOW + BOARD_STACK];
#define board_below board_memory
#define board_stack (board_memory + BOARD_BELOW)
int board_main(void);

void board_print(const char *text);
void board_number(uint64_t value);

#endif
