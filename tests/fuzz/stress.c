/* Part of the driver where the collector is to be tried hard: it runs before nearly every allocation, and what it frees
 * is overwritten. */
#include "core/gc/gc.h"

void waot_suite_begin(void);

void waot_suite_begin(void)
{
    waot_gc_tuning.least_budget = 1;
    waot_gc_tuning.window = 1;
    waot_gc_tuning.poison = 1;
}
