/* Runs a command: its `_start`, then ends with its status, or 100 plus the number of its trap. */
#include "board.h"
#include "module.h"

static uint8_t memory[MEMORY_BYTES];

int board_main(void)
{
    uint32_t status = 0;
    const struct waot_buffer buffer = {memory, sizeof memory};
    const struct waot_environment environment = {&status, &buffer, board_stack};
    int result = waot_module_init(&environment);
    if (!result)
        result = module_start();
    return result == WAOT_OK ? 0 : result == WAOT_EXITED ? (int)status : 100 + result;
}
