/* What C cannot say on x86-64 Darwin: stubs of libSystem's functions. It is ELF, as all that waot/linker/macho.py makes
 * an image of. */
#include "stubs.h"

        .macro  jump pointer
        jmpq    *\pointer(%rip)
        .endm

#define IMPORT(name) import name, _##name, _##name
#define INODE64(name) import name, _##name$INODE64, _##name$INODE64
#define EXTENSION(name) import name, _##name$1050, _##name$DARWIN_EXTSN
#include "imports.h"
