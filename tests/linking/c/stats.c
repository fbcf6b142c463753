/* A library module: it keeps what it is given in a memory of its own. */
#include <stdlib.h>

static double *values;
static int count;

__attribute__((export_name("add"))) int add(double value)
{
    values = realloc(values, (size_t)(count + 1) * sizeof *values);
    values[count++] = value;
    return count;
}

__attribute__((export_name("mean"))) double mean(void)
{
    double sum = 0;
    for (int i = 0; i < count; i++)
        sum += values[i];
    return count ? sum / count : 0;
}
