/* Rounding as an object of its own, which only programs have that round and whose processor has no instruction for it: of
 * one object in COFF a program has either all constants or none. */
#include "../rounding.h"
