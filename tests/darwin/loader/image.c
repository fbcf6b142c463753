/* Executes a Mach-O program on Linux: LOADER [-0 NAME] PROGRAM ARGUMENTS...
 *
 * Does what XNU and dyld do with it, and refuses what they refuse: checks the signature, page by page; maps the segments at
 * a place of its own choice; rebases and binds by the tables of LC_DYLD_INFO_ONLY; protects the segments; calls the
 * entry of LC_MAIN. Of a universal file it takes the slice of its own machine.
 */
#include "loader.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__aarch64__)
enum { CPU = 0x0100000c };
#else
enum { CPU = 0x01000007 };
#endif

enum { LC_SEGMENT_64 = 0x19, LC_CODE_SIGNATURE = 0x1d, LC_DYLD_INFO_ONLY = 0x22, LC_MAIN = 0x28, SEGMENTS = 16 };

struct segment {
    char name[16];
    uint64_t address, size, offset, file_size;
    uint32_t most, protection, sections, flags;
};

static struct {
    const uint8_t *file;
    uint64_t size;
    struct segment segments[SEGMENTS];
    unsigned count;
    uint64_t slide;
    const uint32_t *tables;    /* of LC_DYLD_INFO_ONLY: rebase, bind, weak bind, lazy bind, export: offset and size */
    const uint32_t *signature; /* offset and size */
    uint64_t entry;
} image;

void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("loader: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    exit(97);
}

static uint32_t big(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static const uint8_t *bytes(uint64_t offset, uint64_t size)
{
    if (offset > image.size || size > image.size - offset)
        fail("the file ends before offset %#llx", (unsigned long long)(offset + size));
    return image.file + offset;
}

static void read_file(const char *path)
{
    struct stat stat;
    int handle = open(path, O_RDONLY | O_CLOEXEC);
    if (handle < 0 || fstat(handle, &stat) || stat.st_size == 0)
        fail("%s cannot be read", path);
    image.size = (uint64_t)stat.st_size;
    image.file = mmap(NULL, image.size, PROT_READ, MAP_PRIVATE, handle, 0);
    if (image.file == MAP_FAILED)
        fail("%s cannot be mapped", path);
    close(handle);
    if (big(bytes(0, 8)) != 0xcafebabe)
        return;
    for (uint32_t i = 0, count = big(bytes(4, 4)); i < count; i++) {
        const uint8_t *slice = bytes(8 + 20 * (uint64_t)i, 20);
        uint64_t offset = big(slice + 8), size = big(slice + 12), align = big(slice + 16);
        if (big(slice) != CPU)
            continue;
        if (offset & ((UINT64_C(1) << align) - 1) || offset % PAGE)
            fail("a slice is not aligned");
        image.file = bytes(offset, size);
        image.size = size;
        return;
    }
    fail("no slice is for this machine");
}

static void read_commands(void)
{
    const uint32_t *header = (const uint32_t *)(const void *)bytes(0, 32);
    if (header[0] != 0xfeedfacf || header[1] != CPU || header[3] != 2)
        fail("not a 64-bit executable for this machine");
    if (!(header[6] & 0x200000))
        fail("not position independent");
    uint64_t at = 32, end = at + header[5];
    for (uint32_t i = 0; i < header[4]; i++) {
        const uint32_t *command = (const uint32_t *)(const void *)bytes(at, 8);
        if (command[1] % 8 || command[1] < 8 || at + command[1] > end)
            fail("load command %u has a wrong size", i);
        command = (const uint32_t *)(const void *)bytes(at, command[1]);
        switch (command[0] & 0x7fffffff) {
        case LC_SEGMENT_64:
            if (image.count == SEGMENTS)
                fail("too many segments");
            memcpy(&image.segments[image.count++], command + 2, sizeof(struct segment));
            break;
        case LC_CODE_SIGNATURE:
            image.signature = command + 2;
            break;
        case LC_DYLD_INFO_ONLY:
            image.tables = command + 2;
            break;
        case LC_MAIN:
            memcpy(&image.entry, command + 2, 8);
            break;
        }
        at += command[1];
    }
    if (!image.tables || !image.entry)
        fail("a load command is missing");
}

/* The code directory's hashes against the file's pages: what the kernel does as it maps them. */
static void check_signature(void)
{
    if (!image.signature)
        fail("not signed");
    const uint8_t *blob = bytes(image.signature[0], image.signature[1]);
    if (image.signature[0] % 16 || image.signature[0] + image.signature[1] != image.size)
        fail("the signature is not the end of the file");
    if (big(blob) != 0xfade0cc0 || big(blob + 4) > image.signature[1] || big(blob + 8) != 1 || big(blob + 12) != 0)
        fail("the signature is not one code directory");
    const uint8_t *directory = blob + big(blob + 16);
    if (big(directory) != 0xfade0c02 || big(directory + 8) < 0x20400 || big(directory + 12) != 0x20002)
        fail("the code directory is not an ad-hoc one");
    const uint8_t *hashes = directory + big(directory + 16);
    uint64_t limit = big(directory + 32), page = UINT64_C(1) << directory[39];
    uint32_t slots = big(directory + 28);
    if (directory[36] != 32 || directory[37] != 2 || limit != image.signature[0] || slots != (limit + page - 1) / page)
        fail("the code directory does not cover the file");
    for (uint32_t i = 0; i < slots; i++) {
        uint8_t digest[32];
        uint64_t start = i * page, size = limit - start < page ? limit - start : page;
        sha256(image.file + start, size, digest);
        if (memcmp(digest, hashes + 32 * (uint64_t)i, 32))
            fail("page %u is not what was signed", i);
    }
}

static void map_segments(void)
{
    uint64_t low = UINT64_MAX, high = 0, file_end = 0;
    for (unsigned i = 0; i < image.count; i++) {
        const struct segment *segment = &image.segments[i];
        if (segment->protection == 0)
            continue; /* __PAGEZERO */
        if (segment->address % PAGE || segment->size % PAGE || segment->offset % PAGE ||
            segment->file_size > segment->size)
            fail("segment %.16s does not lie in pages", segment->name);
        if (segment->address < high || (segment->file_size && segment->offset < file_end))
            fail("segment %.16s is not in order", segment->name);
        if ((segment->most & 6) == 6)
            fail("segment %.16s can be written and executed", segment->name);
        low = low < segment->address ? low : segment->address;
        high = segment->address + segment->size;
        file_end = segment->offset + segment->file_size;
    }
    if (low != image.segments[0].size || image.segments[0].address != 0)
        fail("no __PAGEZERO below the image");
    uint64_t size = high - low;
    uint8_t *place = mmap(NULL, size + PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (place == MAP_FAILED)
        fail("no room for the image");
    place += -(uintptr_t)place % PAGE;
    image.slide = (uintptr_t)place - low;
    for (unsigned i = 0; i < image.count; i++) {
        const struct segment *segment = &image.segments[i];
        void *at = (void *)(segment->address + image.slide);
        if (segment->protection == 0)
            continue;
        if (mprotect(at, segment->size, PROT_READ | PROT_WRITE))
            fail("no memory for segment %.16s", segment->name);
        memcpy(at, bytes(segment->offset, segment->file_size), segment->file_size);
    }
}

static void protect_segments(void)
{
    for (unsigned i = 0; i < image.count; i++) {
        const struct segment *segment = &image.segments[i];
        void *at = (void *)(segment->address + image.slide);
        if (segment->protection && mprotect(at, segment->size, (int)segment->protection))
            fail("segment %.16s cannot be protected", segment->name);
        __builtin___clear_cache(at, (char *)at + segment->size);
    }
}

/* ---------------------------------------------------------------- dyld's tables */

struct table {
    const uint8_t *at, *end;
    const struct segment *segment;
    uint64_t offset; /* in the segment */
};

static uint64_t uleb(struct table *table)
{
    uint64_t value = 0;
    for (int shift = 0; table->at < table->end && shift < 64; shift += 7) {
        uint8_t byte = *table->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
    }
    fail("a table of dyld's is damaged");
}

static void set_segment(struct table *table, uint8_t index)
{
    if (index >= image.count)
        fail("a table of dyld's names segment %u", index);
    table->segment = &image.segments[index];
    table->offset = uleb(table);
}

static uint64_t *pointer(const struct table *table)
{
    if (!table->segment || table->offset + 8 > table->segment->size || !(table->segment->protection & 2))
        fail("dyld is to write where it may not");
    return (uint64_t *)(table->segment->address + table->offset + image.slide);
}

static void rebase(struct table table)
{
    while (table.at < table.end) {
        uint8_t operation = *table.at & 0xf0, immediate = *table.at++ & 0x0f;
        uint64_t count = 0;
        switch (operation) {
        case 0x00: /* DONE */
            return;
        case 0x10: /* SET_TYPE_IMM */
            if (immediate != 1)
                fail("rebase type %u", immediate);
            break;
        case 0x20: /* SET_SEGMENT_AND_OFFSET_ULEB */
            set_segment(&table, immediate);
            break;
        case 0x30: /* ADD_ADDR_ULEB */
            table.offset += uleb(&table);
            break;
        case 0x50: /* DO_REBASE_IMM_TIMES */
            count = immediate;
            break;
        case 0x60: /* DO_REBASE_ULEB_TIMES */
            count = uleb(&table);
            break;
        default:
            fail("rebase opcode %#x", operation);
        }
        for (; count; count--, table.offset += 8)
            *pointer(&table) += image.slide;
    }
}

static void bind_imports(struct table table)
{
    const char *name = NULL;
    int library = 0;
    while (table.at < table.end) {
        uint8_t operation = *table.at & 0xf0, immediate = *table.at++ & 0x0f;
        switch (operation) {
        case 0x00: /* DONE */
            return;
        case 0x10: /* SET_DYLIB_ORDINAL_IMM */
            library = immediate;
            break;
        case 0x40: /* SET_SYMBOL_TRAILING_FLAGS_IMM */
            name = (const char *)table.at;
            table.at += strnlen(name, (size_t)(table.end - table.at)) + 1;
            break;
        case 0x50: /* SET_TYPE_IMM */
            if (immediate != 1)
                fail("bind type %u", immediate);
            break;
        case 0x70: /* SET_SEGMENT_AND_OFFSET_ULEB */
            set_segment(&table, immediate);
            break;
        case 0x90: { /* DO_BIND */
            void *function = name && library == 1 ? find_import(name) : NULL;
            if (!function)
                fail("symbol not found: %s", name ? name : "?");
            *pointer(&table) = (uint64_t)function;
            table.offset += 8;
            break;
        }
        default:
            fail("bind opcode %#x", operation);
        }
    }
}

static struct table table(unsigned index)
{
    uint32_t offset = image.tables[2 * index], size = image.tables[2 * index + 1];
    const uint8_t *at = bytes(offset, size);
    return (struct table){at, at + size, NULL, 0};
}

int main(int argc, char **argv, char **envp)
{
    const char *called = NULL;
    if (argc > 2 && !strcmp(argv[1], "-0")) {
        called = argv[2];
        argv += 2;
        argc -= 2;
    }
    if (argc < 2)
        fail("usage: LOADER [-0 NAME] PROGRAM ARGUMENTS...");
    read_file(argv[1]);
    read_commands();
    check_signature();
    map_segments();
    rebase(table(0));
    bind_imports(table(1));
    protect_segments();
    char *apple[] = {argv[1], NULL};
    if (called)
        argv[1] = (char *)called;
    int (*entry)(int, char **, char **, char **);
    *(uint64_t *)&entry = image.segments[0].size + image.entry + image.slide;
    return entry(argc - 1, argv + 1, envp, apple);
}
