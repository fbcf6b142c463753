/* Calls each function with each value, or each pair of them: prints how the call ended and its result, a line each. */
#include "board.h"
#include "module.h"

typedef int32_t function(uint64_t a, uint64_t b, uint64_t *result);

static const struct {
    function *function;
    unsigned operands;
} functions[] = {
#define F(name, operands) {module_##name, operands},
#include "functions.h"
};
static const uint64_t values[] = {
#include "values.h"
};

int board_main(void)
{
    const struct waot_environment environment = {0, 0, board_stack};
    int status = waot_module_init(&environment);
    if (status)
        return status;
    for (size_t f = 0; f < sizeof functions / sizeof *functions; f++)
        for (size_t a = 0; a < sizeof values / sizeof *values; a++)
            for (size_t b = 0; b < (functions[f].operands == 1 ? 1 : sizeof values / sizeof *values); b++) {
                uint64_t result = 0;
                board_number((uint64_t)functions[f].function(values[a], values[b], &result));
                board_write(" ", 1);
                board_number(result);
                board_write("\n", 1);
            }
    return 0;
}
