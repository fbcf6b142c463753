/* What C cannot say on AArch64 Darwin: stubs of libSystem's functions. It is ELF, as all that waot/linker/macho.py makes
 * an image of. */
#include "stubs.h"

        .macro  jump pointer
        adrp    x16, \pointer
        ldr     x16, [x16, :lo12:\pointer]
        br      x16
        .endm

#define IMPORT(name) import name, _##name, _##name
#define INODE64(name) IMPORT(name)
#define EXTENSION(name) import name, _##name, _##name$DARWIN_EXTSN
#include "imports.h"
