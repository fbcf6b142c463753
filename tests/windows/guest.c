/* The guest of tests/wasi/guest.h for Windows. Orders come on standard input and answers go to standard output, as a Windows
 * program has no other streams of whoever starts it. It stands in the place of the shim's `waot_main`.
 */
#include "os/os.h"

static waot_os_handle orders(void)
{
    return waot_os_standard(0);
}

static waot_os_handle answers(void)
{
    return waot_os_standard(1);
}

#include "tests/wasi/guest.h"

static void other_order(uint64_t order)
{
    (void)order;
    waot_exit(122);
}

static void embedded(uint64_t size)
{
    if (size != 0)
        waot_exit(123);
}

void waot_main(void)
{
    serve();
}
