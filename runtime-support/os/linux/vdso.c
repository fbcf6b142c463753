/* The kernel's clock_gettime without entering the kernel.
 *
 * The kernel maps a small shared object, the vDSO, into every process and tells where in the auxiliary vector
 * (vdso(7)). We find the function in its dynamic symbol table by name. Where there is none (qemu-user, some sandboxes)
 * callers make the system call. */
#include <elf.h>

#include "../../core/process.h"
#include "system.h"

#if UINTPTR_MAX > UINT32_MAX
typedef Elf64_Ehdr waot_vdso_header;
typedef Elf64_Phdr waot_vdso_segment;
typedef Elf64_Dyn waot_vdso_dynamic;
typedef Elf64_Sym waot_vdso_symbol;
#else
typedef Elf32_Ehdr waot_vdso_header;
typedef Elf32_Phdr waot_vdso_segment;
typedef Elf32_Dyn waot_vdso_dynamic;
typedef Elf32_Sym waot_vdso_symbol;
#endif

#if defined(__aarch64__) || defined(__s390x__) || defined(__powerpc64__)
static const char waot_vdso_name[] = "__kernel_clock_gettime";
#elif defined(__i386__) || defined(__arm__)
static const char waot_vdso_name[] = "__vdso_clock_gettime64";
#else
static const char waot_vdso_name[] = "__vdso_clock_gettime";
#endif

struct waot_vdso_tables {
    const waot_vdso_symbol *symbols;
    const char *strings;
    const uint32_t *hash;     /* DT_HASH: buckets, chains; the second number is how many symbols there are */
    const uint32_t *gnu_hash; /* DT_GNU_HASH, all that newer ones have */
};

static uintptr_t waot_vdso_auxiliary(unsigned long type)
{
    char **end = waot_process.envp;
    while (*end != NULL)
        end++;
    for (const unsigned long *entry = (const unsigned long *)(const void *)(end + 1); entry[0] != AT_NULL; entry += 2)
        if (entry[0] == type)
            return entry[1];
    return 0;
}

/* How many symbols a DT_GNU_HASH table covers: one past the end of the last chain. */
static uint32_t waot_vdso_count(const uint32_t *table)
{
    uint32_t buckets = table[0], first = table[1], last = 0;
    const uint32_t *bucket = table + 4 + table[2] * (sizeof(uintptr_t) / 4);
    const uint32_t *chain = bucket + buckets;
    for (uint32_t i = 0; i < buckets; i++)
        if (bucket[i] > last)
            last = bucket[i];
    if (last < first)
        return 0;
    while ((chain[last - first] & 1) == 0)
        last++;
    return last + 1;
}

static void waot_vdso_read_dynamic(uintptr_t shift, const waot_vdso_dynamic *dynamic, struct waot_vdso_tables *tables)
{
    for (; dynamic->d_tag != DT_NULL; dynamic++) {
        const void *at = (const void *)(shift + dynamic->d_un.d_ptr);
        if (dynamic->d_tag == DT_SYMTAB)
            tables->symbols = at;
        else if (dynamic->d_tag == DT_STRTAB)
            tables->strings = at;
        else if (dynamic->d_tag == DT_HASH)
            tables->hash = at;
        else if (dynamic->d_tag == DT_GNU_HASH)
            tables->gnu_hash = at;
    }
}

/* The function's address, or 0. */
static uintptr_t waot_vdso_find(void)
{
    const uintptr_t base = waot_vdso_auxiliary(AT_SYSINFO_EHDR);
    if (base == 0)
        return 0;
    const waot_vdso_header *header = (const void *)base;
    const waot_vdso_segment *segments = (const void *)(base + header->e_phoff);
    const waot_vdso_dynamic *dynamic = NULL;
    uintptr_t shift = 0; /* what to add to the object's own addresses */
    bool loaded = false;
    for (size_t i = 0; i < header->e_phnum; i++) {
        if (segments[i].p_type == PT_LOAD && !loaded) {
            shift = base + segments[i].p_offset - segments[i].p_vaddr;
            loaded = true;
        } else if (segments[i].p_type == PT_DYNAMIC) {
            dynamic = (const void *)(base + segments[i].p_offset);
        }
    }
    struct waot_vdso_tables tables = {NULL, NULL, NULL, NULL};
    if (loaded && dynamic != NULL)
        waot_vdso_read_dynamic(shift, dynamic, &tables);
    if (tables.symbols == NULL || tables.strings == NULL)
        return 0;
    uint32_t count = 0;
    if (tables.hash != NULL)
        count = tables.hash[1];
    else if (tables.gnu_hash != NULL)
        count = waot_vdso_count(tables.gnu_hash);
    for (uint32_t i = 0; i < count; i++) {
        const char *name = tables.strings + tables.symbols[i].st_name;
        if (tables.symbols[i].st_shndx != SHN_UNDEF && __builtin_strlen(name) == sizeof waot_vdso_name - 1 &&
            __builtin_memcmp(name, waot_vdso_name, sizeof waot_vdso_name) == 0)
            return shift + tables.symbols[i].st_value;
    }
    return 0;
}

static int waot_linux_clock_by_call(int clock, struct waot_posix_time *time)
{
    return (int)waot_linux_get_clock(clock, time);
}

waot_linux_clock_function *waot_linux_clock;

void waot_linux_find_clock(void)
{
    uintptr_t address = waot_vdso_find();
    waot_linux_clock = address != 0 ? (waot_linux_clock_function *)address : waot_linux_clock_by_call;
}
