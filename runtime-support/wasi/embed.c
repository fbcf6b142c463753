/* Embedded directories: names, paths, attributes and contents, in an image that the executable maps (waot_abi.h).
 *
 * Nothing is allocated and no system call is made: a descriptor holds the number of a node and a position. Paths are
 * walked as the kernel walks them beneath a directory (openat2, RESOLVE_BENEATH), with the same errors.
 */
#include "overlay.h"

enum {
    WAOT_EMBED_LINKS = 40,     /* the kernel's own limit on symbolic links in a path */
    WAOT_EMBED_NAME_SIZE = 255,
    WAOT_EMBED_DEVICE = 0x776d, /* one number for all; any will do */
};

/* linker/embed.py and linker/manifest.py write them. */
_Static_assert(sizeof(struct waot_embed_image) == 32, "QQQQ");
_Static_assert(sizeof(struct waot_embed_node) == 48, "QQQIIIIIBBBx");
_Static_assert(sizeof(struct waot_embedded) == 32, "IIIIQQ");

static const struct waot_embed_image *waot_embed_image(void)
{
    return (const struct waot_embed_image *)(const void *)waot_process.embedded;
}

const uint8_t *waot_embed_bytes(uint64_t offset)
{
    return waot_process.embedded + offset;
}

const struct waot_embed_node *waot_embed_node(uint32_t number)
{
    return (const struct waot_embed_node *)(const void *)waot_embed_bytes(waot_embed_image()->nodes) + number;
}

const char *waot_embed_name(const struct waot_embed_node *node)
{
    return (const char *)waot_embed_bytes(waot_embed_image()->names + node->name);
}

void waot_embed_grant(const struct waot_embedded *record, struct waot_wasi_descriptor *descriptor)
{
    *descriptor = (struct waot_wasi_descriptor){
        .handle = -1,
        .node = record->root,
        .kind = WAOT_WASI_DIRECTORY,
        .read_only = true,
    };
}

/* ---------------------------------------------------------------- paths */

/* The entry of that name, or 0. */
uint32_t waot_embed_find(uint32_t directory, const char *name, size_t size)
{
    const struct waot_embed_node *node = waot_embed_node(directory);
    uint32_t low = node->first, high = low + node->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct waot_embed_node *entry = waot_embed_node(middle);
        size_t shared = entry->name_size < size ? entry->name_size : size;
        int order = __builtin_memcmp(name, waot_embed_name(entry), shared);
        if (order == 0 && entry->name_size == size)
            return middle;
        if (order < 0 || (order == 0 && size < entry->name_size))
            high = middle;
        else
            low = middle + 1;
    }
    return 0;
}

/* A path or a link's target as far as it has not been walked. */
struct waot_embed_rest {
    const char *at, *end;
};

/* One component from the directory `at`: the node, which may be a link. */
static int64_t waot_embed_step(uint32_t base, uint32_t at, const char *name, size_t size)
{
    if (size == 1 && name[0] == '.')
        return at;
    if (size == 2 && name[0] == '.' && name[1] == '.')
        return at == base ? -WAOT_WASI_PERM : (int64_t)waot_embed_node(at)->parent;
    if (size > WAOT_EMBED_NAME_SIZE)
        return -WAOT_WASI_NAMETOOLONG;
    uint32_t found = waot_embed_find(at, name, size);
    return found == 0 ? -WAOT_WASI_NOENT : (int64_t)found;
}

int64_t waot_embed_resolve(uint32_t base, const char *path, bool follow)
{
    /* A link's target stands above what is left of the path behind the link. Only what has something left stays, so
     * there are never more than the links and the path. */
    struct waot_embed_rest stack[WAOT_EMBED_LINKS + 1];
    int top = 0, links = 0;
    bool directory = false; /* a slash behind the last name asks for one */
    uint32_t at = base;
    if (path[0] == '\0')
        return -WAOT_WASI_NOENT;
    if (path[0] == '/')
        return -WAOT_WASI_PERM;
    stack[0] = (struct waot_embed_rest){path, path + __builtin_strlen(path)};
    while (top >= 0) {
        struct waot_embed_rest *rest = &stack[top];
        const char *name = rest->at;
        while (rest->at < rest->end && *rest->at != '/')
            rest->at++;
        size_t size = (size_t)(rest->at - name);
        bool slash = rest->at < rest->end;
        while (rest->at < rest->end && *rest->at == '/')
            rest->at++;
        if (rest->at == rest->end)
            top--;
        bool last = top < 0;
        directory |= last && slash;
        int64_t next = waot_embed_step(base, at, name, size);
        if (next < 0)
            return next;
        const struct waot_embed_node *node = waot_embed_node((uint32_t)next);
        if (node->filetype == WAOT_WASI_FILETYPE_SYMBOLIC_LINK && (!last || follow || directory)) {
            const char *target = (const char *)waot_embed_bytes(node->data);
            if (++links > WAOT_EMBED_LINKS)
                return -WAOT_WASI_LOOP;
            if (target[0] == '/')
                return -WAOT_WASI_PERM;
            stack[++top] = (struct waot_embed_rest){target, target + node->size};
            continue;
        }
        at = (uint32_t)next;
        if ((!last || directory) && node->filetype != WAOT_WASI_FILETYPE_DIRECTORY)
            return -WAOT_WASI_NOTDIR;
    }
    return at;
}

/* ---------------------------------------------------------------- descriptors */

uint8_t waot_embed_fdflags(uint32_t fdflags)
{
    const uint32_t sync = WAOT_WASI_FDFLAGS_SYNC | WAOT_WASI_FDFLAGS_RSYNC;
    if ((fdflags & sync) != 0)
        fdflags = (fdflags & ~(sync | WAOT_WASI_FDFLAGS_DSYNC)) | WAOT_WASI_FDFLAGS_SYNC;
    return (uint8_t)fdflags;
}

void waot_embed_open_node(const struct waot_wasi_descriptor *directory, uint32_t number, uint32_t fdflags,
                          struct waot_wasi_descriptor *opened)
{
    bool is_directory = waot_embed_node(number)->filetype == WAOT_WASI_FILETYPE_DIRECTORY;
    *opened = (struct waot_wasi_descriptor){
        .handle = -1,
        .node = number,
        .fdflags = waot_embed_fdflags(fdflags),
        .dropped = directory->dropped_inheriting,
        .dropped_inheriting = directory->dropped_inheriting,
        .kind = is_directory ? WAOT_WASI_DIRECTORY : WAOT_WASI_FILE,
        .read_only = true,
    };
}

int64_t waot_embed_open(const struct waot_wasi_descriptor *directory, const char *path, uint32_t access,
                        uint32_t oflags, uint32_t fdflags, struct waot_wasi_descriptor *opened)
{
    int64_t number = waot_embed_resolve(directory->node, path, (access & WAOT_OS_OPEN_FOLLOW) != 0);
    if (number < 0)
        return number;
    uint8_t filetype = waot_embed_node((uint32_t)number)->filetype;
    if (filetype == WAOT_WASI_FILETYPE_SYMBOLIC_LINK)
        return -WAOT_WASI_LOOP;
    if (filetype != WAOT_WASI_FILETYPE_DIRECTORY && (oflags & WAOT_WASI_OFLAGS_DIRECTORY) != 0)
        return -WAOT_WASI_NOTDIR;
    waot_embed_open_node(directory, (uint32_t)number, fdflags, opened);
    return 0;
}

static int64_t waot_embed_seek(struct waot_wasi_descriptor *descriptor, int64_t offset, uint32_t whence)
{
    uint64_t from = 0; /* at most INT64_MAX, each of them */
    if (whence == WAOT_WASI_WHENCE_CUR)
        from = descriptor->position;
    else if (whence == WAOT_WASI_WHENCE_END)
        from = waot_embed_node(descriptor->node)->size;
    int64_t position;
    if (__builtin_add_overflow((int64_t)from, offset, &position) || position < 0)
        return -WAOT_WASI_INVAL;
    descriptor->position = (uint64_t)position;
    return position;
}

/* ---------------------------------------------------------------- attributes */

void waot_embed_stat(uint32_t number, struct waot_os_stat *stat)
{
    const struct waot_embed_node *node = waot_embed_node(number);
    *stat = (struct waot_os_stat){
        .device = WAOT_EMBED_DEVICE,
        .inode = number,
        .links = node->links,
        .size = node->size,
        .accessed = node->modified,
        .modified = node->modified,
        .changed = node->modified,
        .filetype = node->filetype,
    };
}

int64_t waot_embed_path_stat(uint32_t base, const char *path, bool follow, struct waot_os_stat *stat)
{
    int64_t number = waot_embed_resolve(base, path, follow);
    if (number < 0)
        return number;
    waot_embed_stat((uint32_t)number, stat);
    return 0;
}

int64_t waot_embed_readlink(uint32_t base, const char *path, char *target, size_t size)
{
    int64_t number = waot_embed_resolve(base, path, false);
    if (number < 0)
        return number;
    const struct waot_embed_node *node = waot_embed_node((uint32_t)number);
    if (node->filetype != WAOT_WASI_FILETYPE_SYMBOLIC_LINK)
        return -WAOT_WASI_INVAL;
    size_t used = node->size < size ? (size_t)node->size : size;
    __builtin_memcpy(target, waot_embed_bytes(node->data), used);
    return (int64_t)used;
}

bool waot_embed_entry(uint32_t directory, uint64_t index, struct waot_os_entry *entry)
{
    const struct waot_embed_node *node = waot_embed_node(directory);
    if (index >= node->count)
        return false;
    uint32_t number = node->first + (uint32_t)index;
    node = waot_embed_node(number);
    *entry = (struct waot_os_entry){
        .next = index + 1,
        .inode = number,
        .name = waot_embed_name(node),
        .name_size = node->name_size,
        .filetype = node->filetype,
    };
    return true;
}

/* ---------------------------------------------------------------- contents */

int64_t waot_embed_copy(const struct waot_embed_node *node, uint64_t offset, uint8_t *to, size_t size)
{
    if (WAOT_MAY(COMPRESSED) && node->compressed != 0)
        return waot_embed_expand(node, offset, to, size);
    __builtin_memcpy(to, waot_embed_bytes(node->data + offset), size);
    return 0;
}

/* What is read goes straight to the guest's buffers. */
static int64_t waot_embed_read(const struct waot_embed_node *node, size_t count, uint64_t offset)
{
    size_t moved = 0;
    for (size_t i = 0; i < count && offset < node->size; i++) {
        const struct waot_os_buffer *buffer = &waot_wasi_scratch.buffers[i];
        size_t size = buffer->size < node->size - offset ? buffer->size : (size_t)(node->size - offset);
        int64_t result = waot_embed_copy(node, offset, buffer->bytes, size);
        if (result < 0)
            return moved > 0 ? (int64_t)moved : result;
        moved += size;
        offset += size;
    }
    return (int64_t)moved;
}

int64_t waot_embed_move(struct waot_wasi_descriptor *descriptor, uint32_t right, size_t count, uint64_t offset)
{
    if ((right & WAOT_WASI_RIGHT_FD_WRITE) != 0)
        return -WAOT_WASI_BADF;
    bool in_turn = (right & WAOT_WASI_RIGHT_FD_SEEK) == 0;
    if (in_turn)
        offset = descriptor->position;
    if (offset > INT64_MAX)
        return -WAOT_WASI_INVAL;
    int64_t moved = waot_embed_read(waot_embed_node(descriptor->node), count, offset);
    if (in_turn && moved > 0)
        descriptor->position += (uint64_t)moved;
    return moved;
}

/* ---------------------------------------------------------------- the host's or embedded */

int64_t waot_wasi_stat(const struct waot_wasi_descriptor *descriptor, struct waot_os_stat *stat)
{
    if (waot_wasi_is_overlay(descriptor))
        return waot_overlay_stat(descriptor, stat);
    if (waot_wasi_is_embedded(descriptor))
        waot_embed_stat(descriptor->node, stat);
    else if (waot_wasi_is_files(descriptor))
        waot_wasi_files_own_stat(descriptor, stat);
    else
        return waot_os_stat(descriptor->handle, stat);
    return 0;
}

int64_t waot_wasi_flags(const struct waot_wasi_descriptor *descriptor)
{
    if (!waot_wasi_is_embedded(descriptor))
        return waot_os_flags(descriptor->handle);
    return WAOT_OS_READABLE | descriptor->fdflags;
}

int64_t waot_wasi_seek_to(struct waot_wasi_descriptor *descriptor, int64_t offset, uint32_t whence)
{
    if (!waot_wasi_is_embedded(descriptor))
        return waot_os_seek(descriptor->handle, offset, whence);
    return waot_embed_seek(descriptor, offset, whence);
}
