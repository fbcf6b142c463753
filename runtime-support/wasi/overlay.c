/* A granted directory on top of an embedded one: what is written goes there, what is read is looked for there first.
 *
 * A directory that the image has, and that is not hidden, is merged: its descriptor has the embedded directory's node and
 * the handle of the granted directory, the top, below which it stands under the path that it has in the image too. That
 * path never changes, because merged directories are not renamed (XDEV, which Linux' overlayfs says by default). All else
 * that stands below the top is an ordinary file or directory of the host, and so is its descriptor.
 *
 * In a merged directory an entry of the granted directory hides the embedded one of its name, unless both are
 * directories. A file ".wh.NAME" hides the embedded NAME and nothing else, as in OCI's image layers; a directory NAME
 * beside it is not merged. Names that begin with ".wh." are not the guest's.
 *
 * Every path that goes to os.h is resolved beneath the top, so that no mistake here, and nothing that others do there
 * meanwhile, leads out of it.
 */
#include "overlay.h"

#define WAOT_OVERLAY_HIDDEN ".wh."
enum {
    WAOT_OVERLAY_HIDDEN_SIZE = sizeof WAOT_OVERLAY_HIDDEN - 1,
    WAOT_OVERLAY_LINKS = 40, /* the kernel's own limit on symbolic links in a path */
    WAOT_OVERLAY_NAME_SIZE = 255,
};

enum waot_overlay_kind {
    WAOT_OVERLAY_NONE,   /* no such name */
    WAOT_OVERLAY_UPPER,  /* the host's */
    WAOT_OVERLAY_LOWER,  /* an embedded file or link */
    WAOT_OVERLAY_MERGED, /* an embedded directory, perhaps with the host's on top */
};

/* How the last name of a path is taken, as in os/posix. */
enum waot_overlay_last { WAOT_OVERLAY_AS_NAMED, WAOT_OVERLAY_NOFOLLOW, WAOT_OVERLAY_FOLLOW };

/* What a path came to. */
struct waot_overlay_place {
    waot_os_handle top;
    enum waot_overlay_kind kind;
    uint32_t node;     /* LOWER and MERGED: what it is in the image */
    uint32_t parent;   /* the deepest merged directory above it; of dots, itself */
    uint32_t below;    /* names between the two: 0 if it stands in a merged directory */
    uint32_t covered;  /* the embedded entry of its name, hidden or not; or 0 */
    bool whiteout;     /* there is one, which hides that */
    bool reserved;     /* the name is one that the guest may not use */
    bool slash;        /* one stood behind the last name */
    bool dots;         /* the last name was `.` or `..` */
    uint8_t filetype;  /* unless NONE */
    size_t directory;  /* bytes of `path` before the last name and its slash */
    char path[WAOT_OS_PATH_SIZE]; /* below the top; "." for the top itself */
};

/* Too large for a stack. */
static WAOT_THREAD_LOCAL struct waot_overlay_scratch {
    char rest[2 * WAOT_OS_PATH_SIZE]; /* what is still to be walked */
    char target[WAOT_OS_PATH_SIZE];
    char path[WAOT_OS_PATH_SIZE];
    uint32_t chain[WAOT_OS_PATH_SIZE / 2]; /* directories from one up to below the root; the build refuses more */
    uint8_t block[WAOT_EMBED_BLOCK];
} waot_overlay_scratch;

static bool waot_overlay_is_hidden(const char *name, size_t size)
{
    return size >= WAOT_OVERLAY_HIDDEN_SIZE &&
           __builtin_memcmp(name, WAOT_OVERLAY_HIDDEN, WAOT_OVERLAY_HIDDEN_SIZE) == 0;
}

/* Of a directory that is not there, or is none, there are no entries either. */
static bool waot_overlay_is_missing(int64_t result)
{
    return result == -WAOT_WASI_NOENT || result == -WAOT_WASI_NOTDIR;
}

static bool waot_overlay_is_directory(uint32_t node)
{
    return waot_embed_node(node)->filetype == WAOT_WASI_FILETYPE_DIRECTORY;
}

/* ---------------------------------------------------------------- paths below the top */

/* Appends a name, behind a slash where there is something before it: the new size, or minus NAMETOOLONG. */
static int64_t waot_overlay_append(char *path, size_t size, const char *prefix, const char *name, size_t name_size)
{
    size_t prefix_size = __builtin_strlen(prefix);
    if (size + prefix_size + name_size + 2 > WAOT_OS_PATH_SIZE)
        return -WAOT_WASI_NAMETOOLONG;
    if (size > 0)
        path[size++] = '/';
    __builtin_memcpy(path + size, prefix, prefix_size);
    __builtin_memcpy(path + size + prefix_size, name, name_size);
    size += prefix_size + name_size;
    path[size] = '\0';
    return (int64_t)size;
}

/* Puts a merged directory and those above it, without the root, into the scratch's chain: how many. */
static size_t waot_overlay_chain(uint32_t node)
{
    size_t count = 0;
    for (; waot_embed_node(node)->parent != node; node = waot_embed_node(node)->parent)
        if (count < sizeof waot_overlay_scratch.chain / sizeof *waot_overlay_scratch.chain)
            waot_overlay_scratch.chain[count++] = node;
    return count;
}

/* Whether "PATH/.wh.NAME" is there; PATH has `size` bytes and stays as it is. Minus an errno if that cannot be told. */
static int64_t waot_overlay_has_whiteout(waot_os_handle top, char *path, size_t size, const char *name,
                                         size_t name_size)
{
    struct waot_os_stat stat;
    if (name_size + WAOT_OVERLAY_HIDDEN_SIZE > WAOT_OVERLAY_NAME_SIZE ||
        waot_overlay_append(path, size, WAOT_OVERLAY_HIDDEN, name, name_size) < 0)
        return 0; /* too long to have been hidden */
    int64_t result = waot_os_path_stat(top, path, false, &stat);
    path[size] = '\0';
    return result >= 0 ? 1 : waot_overlay_is_missing(result) ? 0 : result;
}

/* The path of a merged directory: its size. NOENT if it was removed: a descriptor may still be open on it. */
static int64_t waot_overlay_path_of(waot_os_handle top, uint32_t node, char *path)
{
    int64_t size = 0;
    path[0] = '\0';
    for (size_t count = waot_overlay_chain(node); count > 0;) {
        const struct waot_embed_node *entry = waot_embed_node(waot_overlay_scratch.chain[--count]);
        int64_t hidden =
            waot_overlay_has_whiteout(top, path, (size_t)size, waot_embed_name(entry), entry->name_size);
        if (hidden != 0)
            return hidden < 0 ? hidden : -WAOT_WASI_NOENT;
        size = waot_overlay_append(path, (size_t)size, "", waot_embed_name(entry), entry->name_size);
        if (size < 0)
            return size;
    }
    return size;
}

/* ---------------------------------------------------------------- walking */

/* Looks up a name, which becomes the last of place->path. */
static int64_t waot_overlay_look_up(struct waot_overlay_place *place, const char *name, size_t size)
{
    place->node = place->covered = 0;
    place->whiteout = false;
    place->kind = WAOT_OVERLAY_NONE;
    place->reserved = place->below == 0 && waot_overlay_is_hidden(name, size);
    if (place->below == 0 && !place->reserved) {
        place->covered = waot_embed_find(place->parent, name, size);
        if (place->covered != 0) {
            int64_t hidden = waot_overlay_has_whiteout(place->top, place->path, place->directory, name, size);
            if (hidden < 0)
                return hidden;
            place->whiteout = hidden != 0;
        }
    }
    int64_t result = waot_overlay_append(place->path, place->directory, "", name, size);
    if (result < 0 || place->reserved)
        return result < 0 ? result : 0;
    uint32_t seen = place->whiteout ? 0 : place->covered;
    struct waot_os_stat stat;
    result = waot_os_path_stat(place->top, place->path, false, &stat);
    if (result < 0 && !waot_overlay_is_missing(result))
        return result;
    if (result >= 0) {
        place->kind = WAOT_OVERLAY_UPPER;
        place->filetype = stat.filetype;
        if (stat.filetype != WAOT_WASI_FILETYPE_DIRECTORY || seen == 0 || !waot_overlay_is_directory(seen))
            return 0;
    }
    if (seen != 0) {
        place->kind = waot_overlay_is_directory(seen) ? WAOT_OVERLAY_MERGED : WAOT_OVERLAY_LOWER;
        place->node = seen;
        place->filetype = waot_embed_node(seen)->filetype;
    }
    return 0;
}

/* `..`: the directory above the one that place->path names. */
static int64_t waot_overlay_up(struct waot_overlay_place *place, uint32_t base)
{
    if (place->below == 0 && place->parent == base)
        return -WAOT_WASI_PERM;
    if (place->below > 0)
        place->below--;
    else
        place->parent = waot_embed_node(place->parent)->parent;
    while (place->directory > 0 && place->path[place->directory - 1] != '/')
        place->directory--;
    place->directory -= place->directory > 0;
    place->path[place->directory] = '\0';
    return 0;
}

/* Puts the target of the link that was looked up in front of what is left of the path, from `after` on. */
static int64_t waot_overlay_expand(struct waot_overlay_place *place, size_t after, bool slash)
{
    struct waot_overlay_scratch *scratch = &waot_overlay_scratch;
    const char *target = scratch->target;
    int64_t size;
    if (place->kind == WAOT_OVERLAY_LOWER) {
        target = (const char *)waot_embed_bytes(waot_embed_node(place->node)->data);
        size = (int64_t)waot_embed_node(place->node)->size;
    } else {
        size = waot_os_path_readlink(place->top, place->path, scratch->target, sizeof scratch->target);
    }
    if (size <= 0)
        return size < 0 ? size : -WAOT_WASI_NOENT;
    if (target[0] == '/')
        return -WAOT_WASI_PERM;
    size_t tail = __builtin_strlen(scratch->rest + after) + 1;
    if (size >= WAOT_OS_PATH_SIZE || (size_t)size + slash + tail > sizeof scratch->rest)
        return -WAOT_WASI_NAMETOOLONG;
    __builtin_memmove(scratch->rest + size + slash, scratch->rest + after, tail);
    __builtin_memcpy(scratch->rest, target, (size_t)size);
    if (slash)
        scratch->rest[size] = '/';
    place->path[place->directory] = '\0';
    return 0;
}

/* The path came to the directory in which the walk stands. */
static int64_t waot_overlay_arrive(struct waot_overlay_place *place)
{
    place->dots = true;
    place->kind = place->below > 0 ? WAOT_OVERLAY_UPPER : WAOT_OVERLAY_MERGED;
    place->node = place->below > 0 ? 0 : place->parent;
    place->filetype = WAOT_WASI_FILETYPE_DIRECTORY;
    place->covered = 0;
    if (place->directory == 0)
        __builtin_memcpy(place->path, ".", 2);
    return 0;
}

static int64_t waot_overlay_walk(const struct waot_wasi_descriptor *directory, enum waot_overlay_last last,
                                 struct waot_overlay_place *place)
{
    char *rest = waot_overlay_scratch.rest;
    for (int links = 0;;) {
        size_t size = 0, after;
        while (rest[size] != '\0' && rest[size] != '/')
            size++;
        for (after = size; rest[after] == '/';)
            after++;
        bool is_last = rest[after] == '\0';
        bool dot = size == 1 && rest[0] == '.', up = size == 2 && rest[0] == '.' && rest[1] == '.';
        if (up || dot) {
            int64_t result = up ? waot_overlay_up(place, directory->node) : 0;
            if (result < 0 || is_last)
                return result < 0 ? result : waot_overlay_arrive(place);
        } else {
            if (size > WAOT_OVERLAY_NAME_SIZE)
                return -WAOT_WASI_NAMETOOLONG;
            int64_t result = waot_overlay_look_up(place, rest, size);
            if (result < 0)
                return result;
            bool slash = after > size;
            bool follow = !is_last || last == WAOT_OVERLAY_FOLLOW || (slash && last == WAOT_OVERLAY_NOFOLLOW);
            if (place->kind != WAOT_OVERLAY_NONE && place->filetype == WAOT_WASI_FILETYPE_SYMBOLIC_LINK && follow) {
                if (++links > WAOT_OVERLAY_LINKS)
                    return -WAOT_WASI_LOOP;
                result = waot_overlay_expand(place, after, slash);
                if (result < 0)
                    return result;
                continue;
            }
            if (is_last) {
                place->slash = slash;
                return 0;
            }
            if (place->kind == WAOT_OVERLAY_NONE)
                return -WAOT_WASI_NOENT;
            if (place->filetype != WAOT_WASI_FILETYPE_DIRECTORY)
                return -WAOT_WASI_NOTDIR;
            place->directory = __builtin_strlen(place->path);
            if (place->kind == WAOT_OVERLAY_MERGED)
                place->parent = place->node;
            else
                place->below++;
        }
        __builtin_memmove(rest, rest + after, __builtin_strlen(rest + after) + 1);
    }
}

static int64_t waot_overlay_resolve(const struct waot_wasi_descriptor *directory, const char *path,
                                    enum waot_overlay_last last, struct waot_overlay_place *place)
{
    if (path[0] == '\0')
        return -WAOT_WASI_NOENT;
    if (path[0] == '/')
        return -WAOT_WASI_PERM;
    place->top = directory->handle;
    place->parent = directory->node;
    place->below = 0;
    place->whiteout = place->reserved = place->slash = place->dots = false;
    int64_t size = waot_overlay_path_of(place->top, directory->node, place->path);
    if (size < 0)
        return size;
    place->directory = (size_t)size;
    __builtin_memcpy(waot_overlay_scratch.rest, path, __builtin_strlen(path) + 1);
    return waot_overlay_walk(directory, last, place);
}

/* ---------------------------------------------------------------- changing what is on top */

/* Makes the granted directory's counterpart of a merged one, with the times of that. */
static int64_t waot_overlay_make_merged(waot_os_handle top, uint32_t node)
{
    char *path = waot_overlay_scratch.path;
    int64_t size = 0;
    for (size_t count = waot_overlay_chain(node); count > 0;) {
        const struct waot_embed_node *entry = waot_embed_node(waot_overlay_scratch.chain[--count]);
        size = waot_overlay_append(path, (size_t)size, "", waot_embed_name(entry), entry->name_size);
        if (size < 0)
            return size;
        int64_t result = waot_os_path_make_directory(top, path);
        if (result < 0 && result != -WAOT_WASI_EXIST)
            return result;
        const struct waot_os_times times = {entry->modified, entry->modified,
                                            WAOT_WASI_FSTFLAGS_ATIM | WAOT_WASI_FSTFLAGS_MTIM};
        if (result >= 0)
            waot_os_path_set_times(top, path, false, &times); /* if not, they are those of now */
    }
    return 0;
}

/* What must be before something is made at the place: a name that the guest may use, in a directory that is there. */
static int64_t waot_overlay_prepare(const struct waot_overlay_place *place)
{
    if (place->reserved)
        return -WAOT_WASI_PERM;
    return place->below > 0 ? 0 : waot_overlay_make_merged(place->top, place->parent);
}

/* Hides the embedded entry of the place's name, if there is one to be seen. */
static int64_t waot_overlay_hide(const struct waot_overlay_place *place)
{
    if (place->covered == 0 || place->whiteout)
        return 0;
    const struct waot_embed_node *entry = waot_embed_node(place->covered);
    if (entry->name_size + WAOT_OVERLAY_HIDDEN_SIZE > WAOT_OVERLAY_NAME_SIZE)
        return -WAOT_WASI_NAMETOOLONG;
    int64_t result = waot_overlay_make_merged(place->top, place->parent);
    if (result < 0)
        return result;
    char *path = waot_overlay_scratch.path;
    __builtin_memcpy(path, place->path, place->directory);
    result = waot_overlay_append(path, place->directory, WAOT_OVERLAY_HIDDEN, waot_embed_name(entry), entry->name_size);
    if (result < 0)
        return result;
    result = waot_os_path_open(place->top, path, WAOT_OS_OPEN_WRITE, WAOT_WASI_OFLAGS_CREAT, 0);
    return result < 0 ? result : waot_os_close((waot_os_handle)result);
}

static int64_t waot_overlay_write(waot_os_handle handle, const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        const struct waot_os_buffer buffer = {(uint8_t *)(uintptr_t)bytes, size};
        int64_t written = waot_os_write(handle, &buffer, 1);
        if (written <= 0)
            return written < 0 ? written : -WAOT_WASI_IO;
        bytes += written;
        size -= (size_t)written;
    }
    return 0;
}

/* The contents and times of an embedded file. */
static int64_t waot_overlay_write_file(waot_os_handle handle, const struct waot_embed_node *node)
{
    uint8_t *block = waot_overlay_scratch.block;
    int64_t result = 0;
    for (uint64_t at = 0; at < node->size && result >= 0; at += WAOT_EMBED_BLOCK) {
        size_t size = node->size - at < WAOT_EMBED_BLOCK ? (size_t)(node->size - at) : WAOT_EMBED_BLOCK;
        result = waot_embed_copy(node, at, block, size);
        if (result >= 0)
            result = waot_overlay_write(handle, block, size);
    }
    const struct waot_os_times times = {node->modified, node->modified,
                                        WAOT_WASI_FSTFLAGS_ATIM | WAOT_WASI_FSTFLAGS_MTIM};
    return result < 0 ? result : waot_os_set_times(handle, &times);
}

/* A name beside the place's that nobody has, for a file that is being made. */
static int64_t waot_overlay_temporary(const struct waot_overlay_place *place, char *path)
{
    uint8_t chance[8];
    char name[2 * sizeof chance];
    int64_t result = waot_os_random(chance, sizeof chance);
    if (result < 0)
        return result;
    for (size_t i = 0; i < sizeof name; i++)
        name[i] = "0123456789abcdef"[chance[i / 2] >> 4 * (i % 2) & 15];
    __builtin_memcpy(path, place->path, place->directory);
    return waot_overlay_append(path, place->directory, WAOT_OVERLAY_HIDDEN WAOT_OVERLAY_HIDDEN, name, sizeof name);
}

/* Gives a file that has been made its name. If there is one of that name by now, another thread or process was first, and
 * may have written to it: that one stays. */
static int64_t waot_overlay_put(const struct waot_overlay_place *place, const char *temporary)
{
    int64_t result = waot_os_path_link(place->top, temporary, place->top, place->path);
    if (result < 0 && result != -WAOT_WASI_EXIST) { /* a file system without links */
        result = waot_os_path_rename(place->top, temporary, place->top, place->path);
        if (result >= 0)
            return result;
    }
    waot_os_path_unlink(place->top, temporary);
    return result == -WAOT_WASI_EXIST ? 0 : result;
}

/* Makes an embedded file or link one of the granted directory, whole or not at all. */
static int64_t waot_overlay_copy_up(struct waot_overlay_place *place)
{
    const struct waot_embed_node *node = waot_embed_node(place->node);
    int64_t result = waot_overlay_prepare(place);
    if (result < 0)
        return result;
    if (node->filetype == WAOT_WASI_FILETYPE_SYMBOLIC_LINK) {
        result = waot_os_path_symlink((const char *)waot_embed_bytes(node->data), place->top, place->path);
        result = result == -WAOT_WASI_EXIST ? 0 : result; /* another was first */
    } else {
        char *path = waot_overlay_scratch.path;
        result = waot_overlay_temporary(place, path);
        if (result >= 0)
            result = waot_os_path_open(place->top, path, WAOT_OS_OPEN_WRITE,
                                       WAOT_WASI_OFLAGS_CREAT | WAOT_WASI_OFLAGS_EXCL, 0);
        if (result < 0)
            return result;
        waot_os_handle handle = (waot_os_handle)result;
        waot_wasi_expect_errors();
        result = waot_overlay_write_file(handle, node);
        int64_t closed = waot_os_close(handle);
        if (result >= 0)
            result = closed;
        if (result >= 0)
            result = waot_overlay_put(place, path);
        else
            waot_os_path_unlink(place->top, path);
    }
    if (result >= 0)
        place->kind = WAOT_OVERLAY_UPPER;
    return result;
}

/* ---------------------------------------------------------------- opening and attributes */

int64_t waot_overlay_open(const struct waot_wasi_descriptor *directory, const char *path, uint32_t access,
                          uint32_t oflags, uint32_t fdflags, struct waot_wasi_descriptor *opened)
{
    struct waot_overlay_place place;
    bool create = (oflags & WAOT_WASI_OFLAGS_CREAT) != 0, exclusive = create && (oflags & WAOT_WASI_OFLAGS_EXCL) != 0;
    bool change = (access & WAOT_OS_OPEN_WRITE) != 0 || (oflags & WAOT_WASI_OFLAGS_TRUNC) != 0;
    size_t size = __builtin_strlen(path);
    bool slash = size > 0 && path[size - 1] == '/'; /* with it open(2) makes nothing, whatever the name stands for */
    bool follow = (access & WAOT_OS_OPEN_FOLLOW) != 0 && !exclusive && !(create && slash);
    int64_t result = waot_overlay_resolve(
        directory, path, follow ? WAOT_OVERLAY_FOLLOW : create ? WAOT_OVERLAY_AS_NAMED : WAOT_OVERLAY_NOFOLLOW, &place);
    if (result < 0)
        return result;
    if (create && (slash || place.slash))
        return exclusive && place.dots ? -WAOT_WASI_EXIST : -WAOT_WASI_ISDIR;
    if (place.kind == WAOT_OVERLAY_NONE) {
        result = create ? waot_overlay_prepare(&place) : -WAOT_WASI_NOENT;
        if (result < 0)
            return result;
    } else if (exclusive) {
        return -WAOT_WASI_EXIST;
    } else if (place.kind == WAOT_OVERLAY_MERGED) {
        if (change || create)
            return -WAOT_WASI_ISDIR;
        *opened = *directory;
        opened->preopen = NULL;
        opened->node = place.node;
        opened->fdflags = waot_embed_fdflags(fdflags);
        opened->dropped = directory->dropped_inheriting;
        return 0;
    } else if (place.kind == WAOT_OVERLAY_LOWER) {
        if (place.filetype == WAOT_WASI_FILETYPE_SYMBOLIC_LINK)
            return -WAOT_WASI_LOOP;
        if (place.slash || (oflags & WAOT_WASI_OFLAGS_DIRECTORY) != 0)
            return -WAOT_WASI_NOTDIR;
        if (!change) {
            waot_embed_open_node(directory, place.node, fdflags, opened);
            return 0;
        }
        bool empty = (oflags & WAOT_WASI_OFLAGS_TRUNC) != 0; /* there is nothing to copy */
        result = empty ? waot_overlay_prepare(&place) : waot_overlay_copy_up(&place);
        if (result < 0)
            return result;
        oflags |= empty ? WAOT_WASI_OFLAGS_CREAT : 0;
    } else if (place.slash && place.filetype != WAOT_WASI_FILETYPE_DIRECTORY) {
        return -WAOT_WASI_NOTDIR;
    }
    return waot_wasi_open(directory, place.path, access & ~WAOT_OS_OPEN_FOLLOW, oflags, fdflags, opened);
}

/* Of a merged directory: that of the image, with the times of what stands on top. */
static void waot_overlay_stat_merged(waot_os_handle top, uint32_t node, const char *path, struct waot_os_stat *stat)
{
    struct waot_os_stat upper;
    waot_embed_stat(node, stat);
    if (waot_os_path_stat(top, path, false, &upper) < 0)
        return;
    stat->accessed = upper.accessed;
    stat->modified = upper.modified;
    stat->changed = upper.changed;
}

int64_t waot_overlay_path_stat(const struct waot_wasi_descriptor *directory, const char *path, bool follow,
                               struct waot_os_stat *stat)
{
    struct waot_overlay_place place;
    int64_t result =
        waot_overlay_resolve(directory, path, follow ? WAOT_OVERLAY_FOLLOW : WAOT_OVERLAY_NOFOLLOW, &place);
    if (result < 0)
        return result;
    if (place.kind == WAOT_OVERLAY_NONE)
        return -WAOT_WASI_NOENT;
    if (place.slash && place.filetype != WAOT_WASI_FILETYPE_DIRECTORY)
        return -WAOT_WASI_NOTDIR;
    if (place.kind == WAOT_OVERLAY_UPPER)
        return waot_os_path_stat(place.top, place.path, false, stat);
    if (place.kind == WAOT_OVERLAY_MERGED)
        waot_overlay_stat_merged(place.top, place.node, place.path, stat);
    else
        waot_embed_stat(place.node, stat);
    return 0;
}

int64_t waot_overlay_stat(const struct waot_wasi_descriptor *directory, struct waot_os_stat *stat)
{
    char *path = waot_overlay_scratch.path;
    int64_t size = waot_overlay_path_of(directory->handle, directory->node, path);
    if (size < 0) /* removed, and still open */
        waot_embed_stat(directory->node, stat);
    else
        waot_overlay_stat_merged(directory->handle, directory->node, size == 0 ? "." : path, stat);
    return 0;
}

int64_t waot_overlay_set_times(const struct waot_wasi_descriptor *directory, const char *path, bool follow,
                               const struct waot_os_times *times)
{
    struct waot_overlay_place place;
    int64_t result =
        waot_overlay_resolve(directory, path, follow ? WAOT_OVERLAY_FOLLOW : WAOT_OVERLAY_NOFOLLOW, &place);
    if (result < 0)
        return result;
    if (place.kind == WAOT_OVERLAY_NONE)
        return -WAOT_WASI_NOENT;
    if (place.slash && place.filetype != WAOT_WASI_FILETYPE_DIRECTORY)
        return -WAOT_WASI_NOTDIR;
    if (place.kind == WAOT_OVERLAY_MERGED)
        result = waot_overlay_make_merged(place.top, place.node);
    else if (place.kind == WAOT_OVERLAY_LOWER)
        result = waot_overlay_copy_up(&place);
    return result < 0 ? result : waot_os_path_set_times(place.top, place.path, false, times);
}

int64_t waot_overlay_readlink(const struct waot_wasi_descriptor *directory, const char *path, char *target,
                              size_t size)
{
    struct waot_overlay_place place;
    int64_t result = waot_overlay_resolve(directory, path, WAOT_OVERLAY_NOFOLLOW, &place);
    if (result < 0)
        return result;
    if (place.kind == WAOT_OVERLAY_NONE)
        return -WAOT_WASI_NOENT;
    if (place.slash && place.filetype != WAOT_WASI_FILETYPE_DIRECTORY)
        return -WAOT_WASI_NOTDIR;
    if (place.filetype != WAOT_WASI_FILETYPE_SYMBOLIC_LINK)
        return -WAOT_WASI_INVAL;
    if (place.kind == WAOT_OVERLAY_UPPER)
        return waot_os_path_readlink(place.top, place.path, target, size);
    const struct waot_embed_node *node = waot_embed_node(place.node);
    size_t used = node->size < size ? (size_t)node->size : size;
    __builtin_memcpy(target, waot_embed_bytes(node->data), used);
    return (int64_t)used;
}

/* ---------------------------------------------------------------- listing */

int64_t waot_overlay_open_upper(const struct waot_wasi_descriptor *directory)
{
    char *path = waot_overlay_scratch.path;
    int64_t size = waot_overlay_path_of(directory->handle, directory->node, path);
    if (size < 0)
        return size;
    return waot_os_path_open(directory->handle, size == 0 ? "." : path, WAOT_OS_OPEN_READ, WAOT_WASI_OFLAGS_DIRECTORY,
                             0);
}

bool waot_overlay_shows_upper(const struct waot_wasi_descriptor *directory, struct waot_os_entry *entry)
{
    if (waot_overlay_is_hidden(entry->name, entry->name_size))
        return false;
    if (entry->filetype != WAOT_WASI_FILETYPE_DIRECTORY)
        return true;
    uint32_t lower = waot_embed_find(directory->node, entry->name, entry->name_size);
    char *path = waot_overlay_scratch.path;
    if (lower == 0 || !waot_overlay_is_directory(lower))
        return true;
    int64_t size = waot_overlay_path_of(directory->handle, directory->node, path);
    if (size >= 0 &&
        waot_overlay_has_whiteout(directory->handle, path, (size_t)size, entry->name, entry->name_size) == 0)
        entry->inode = lower;
    return true;
}

bool waot_overlay_shows_lower(const struct waot_wasi_descriptor *directory, const struct waot_os_entry *entry)
{
    char *path = waot_overlay_scratch.path;
    struct waot_os_stat stat;
    int64_t size = waot_overlay_path_of(directory->handle, directory->node, path);
    if (size < 0 ||
        waot_overlay_has_whiteout(directory->handle, path, (size_t)size, entry->name, entry->name_size) != 0)
        return false;
    return waot_overlay_append(path, (size_t)size, "", entry->name, entry->name_size) < 0 ||
           waot_os_path_stat(directory->handle, path, false, &stat) < 0;
}

/* Whether a merged directory has no entry but `.` and `..`: 1 or 0. The whiteouts in it are removed where `clear` says
 * so, which is when it is hidden itself. */
static int64_t waot_overlay_is_empty(const struct waot_overlay_place *place, bool clear)
{
    const struct waot_wasi_descriptor directory = {.handle = place->top, .node = place->node};
    struct waot_os_entry entry;
    for (uint64_t index = 0; !clear && waot_embed_entry(place->node, index, &entry); index = entry.next)
        if (waot_overlay_shows_lower(&directory, &entry))
            return 0;
    int64_t result =
        waot_os_path_open(place->top, place->path, WAOT_OS_OPEN_READ, WAOT_WASI_OFLAGS_DIRECTORY, 0);
    if (result < 0)
        return waot_overlay_is_missing(result) ? 1 : result;
    waot_os_handle handle = (waot_os_handle)result;
    _Alignas(8) char buffer[1024];
    uint64_t position = 0;
    bool empty = true;
    while (empty && (result = waot_os_directory_read(handle, position, buffer, sizeof buffer)) > 0)
        for (size_t at = 0; empty && at < (size_t)result;) {
            waot_os_directory_entry(handle, buffer, &at, &entry);
            position = entry.next;
            if (entry.name[0] == '.' && (entry.name_size == 1 || (entry.name_size == 2 && entry.name[1] == '.')))
                continue;
            if (!waot_overlay_is_hidden(entry.name, entry.name_size))
                empty = false;
            else if (clear)
                waot_os_path_unlink(handle, entry.name);
        }
    waot_os_close(handle);
    return result < 0 ? result : empty;
}

/* ---------------------------------------------------------------- making and removing */

/* A place where something is to be made: EXIST if there is something. */
static int64_t waot_overlay_vacant(const struct waot_wasi_descriptor *directory, const char *path, bool is_directory,
                                   struct waot_overlay_place *place)
{
    int64_t result = waot_overlay_resolve(directory, path, WAOT_OVERLAY_AS_NAMED, place);
    if (result < 0)
        return result;
    if (place->kind != WAOT_OVERLAY_NONE)
        return -WAOT_WASI_EXIST;
    if (place->slash && !is_directory)
        return -WAOT_WASI_NOENT;
    return waot_overlay_prepare(place);
}

int64_t waot_overlay_make_directory(const struct waot_wasi_descriptor *directory, const char *path)
{
    struct waot_overlay_place place;
    int64_t result = waot_overlay_vacant(directory, path, true, &place);
    return result < 0 ? result : waot_os_path_make_directory(place.top, place.path);
}

int64_t waot_overlay_symlink(const char *target, const struct waot_wasi_descriptor *directory, const char *path)
{
    struct waot_overlay_place place;
    int64_t result = waot_overlay_vacant(directory, path, false, &place);
    return result < 0 ? result : waot_os_path_symlink(target, place.top, place.path);
}

/* Hides a merged directory that is empty, and removes what is on top of it. */
static int64_t waot_overlay_remove_merged(const struct waot_overlay_place *place)
{
    int64_t result = waot_overlay_is_empty(place, false);
    if (result <= 0)
        return result < 0 ? result : -WAOT_WASI_NOTEMPTY;
    result = waot_overlay_hide(place);
    if (result < 0)
        return result;
    waot_overlay_is_empty(place, true);
    result = waot_os_path_remove_directory(place->top, place->path);
    return waot_overlay_is_missing(result) ? 0 : result;
}

int64_t waot_overlay_remove_directory(const struct waot_wasi_descriptor *directory, const char *path)
{
    struct waot_overlay_place place;
    int64_t result = waot_overlay_resolve(directory, path, WAOT_OVERLAY_AS_NAMED, &place);
    if (result < 0)
        return result;
    if (place.dots) { /* rmdir(2) */
        size_t size = __builtin_strlen(path);
        while (path[size - 1] == '/')
            size--;
        return size > 1 && path[size - 2] == '.' ? -WAOT_WASI_NOTEMPTY : -WAOT_WASI_INVAL;
    }
    if (place.kind == WAOT_OVERLAY_NONE)
        return -WAOT_WASI_NOENT;
    if (place.filetype != WAOT_WASI_FILETYPE_DIRECTORY)
        return -WAOT_WASI_NOTDIR;
    if (place.kind == WAOT_OVERLAY_MERGED)
        return waot_overlay_remove_merged(&place);
    result = waot_overlay_hide(&place);
    return result < 0 ? result : waot_os_path_remove_directory(place.top, place.path);
}

int64_t waot_overlay_unlink(const struct waot_wasi_descriptor *directory, const char *path)
{
    struct waot_overlay_place place;
    int64_t result = waot_overlay_resolve(directory, path, WAOT_OVERLAY_AS_NAMED, &place);
    if (result < 0)
        return result;
    if (place.kind == WAOT_OVERLAY_NONE)
        return -WAOT_WASI_NOENT;
    if (place.filetype == WAOT_WASI_FILETYPE_DIRECTORY)
        return -WAOT_WASI_ISDIR;
    if (place.slash)
        return -WAOT_WASI_NOTDIR;
    /* Hidden first: whatever ends the program in between, the embedded one does not come back. */
    result = waot_overlay_hide(&place);
    if (result < 0 || place.kind == WAOT_OVERLAY_LOWER)
        return result;
    return waot_os_path_unlink(place.top, place.path);
}

/* ---------------------------------------------------------------- between two directories */

/* A name of link or rename in either kind of directory: of an ordinary one its path as it is, with no more known than
 * what stands there. */
static int64_t waot_overlay_either(const struct waot_wasi_descriptor *directory, const char *path,
                                   enum waot_overlay_last last, struct waot_overlay_place *place)
{
    if (waot_wasi_is_overlay(directory))
        return waot_overlay_resolve(directory, path, last, place);
    struct waot_os_stat stat = {.filetype = WAOT_WASI_FILETYPE_UNKNOWN}; /* where there is none */
    int64_t result = waot_os_path_stat(directory->handle, path, false, &stat);
    place->top = directory->handle;
    place->kind = result < 0 ? WAOT_OVERLAY_NONE : WAOT_OVERLAY_UPPER;
    place->filetype = stat.filetype;
    place->covered = 0;
    place->below = 1; /* there is nothing embedded near */
    place->reserved = place->slash = place->dots = false;
    __builtin_memcpy(place->path, path, __builtin_strlen(path) + 1);
    return result == -WAOT_WASI_NOENT ? 0 : result;
}

int64_t waot_overlay_link(const struct waot_wasi_descriptor *directory, const char *path,
                          const struct waot_wasi_descriptor *new_directory, const char *new_path)
{
    struct waot_overlay_place from, to;
    int64_t result = waot_overlay_either(directory, path, WAOT_OVERLAY_NOFOLLOW, &from);
    if (result < 0)
        return result;
    if (from.kind == WAOT_OVERLAY_NONE)
        return -WAOT_WASI_NOENT;
    if (from.slash && from.filetype != WAOT_WASI_FILETYPE_DIRECTORY)
        return -WAOT_WASI_NOTDIR;
    result = waot_overlay_either(new_directory, new_path, WAOT_OVERLAY_AS_NAMED, &to);
    if (result < 0)
        return result;
    if (to.kind != WAOT_OVERLAY_NONE)
        return -WAOT_WASI_EXIST;
    if (to.slash)
        return -WAOT_WASI_NOENT;
    if (from.filetype == WAOT_WASI_FILETYPE_DIRECTORY)
        return -WAOT_WASI_PERM;
    result = waot_overlay_prepare(&to);
    if (result >= 0 && from.kind == WAOT_OVERLAY_LOWER)
        result = waot_overlay_copy_up(&from);
    return result < 0 ? result : waot_os_path_link(from.top, from.path, to.top, to.path);
}

int64_t waot_overlay_rename(const struct waot_wasi_descriptor *directory, const char *path,
                            const struct waot_wasi_descriptor *new_directory, const char *new_path)
{
    struct waot_overlay_place from, to;
    int64_t result = waot_overlay_either(directory, path, WAOT_OVERLAY_AS_NAMED, &from);
    if (result >= 0)
        result = waot_overlay_either(new_directory, new_path, WAOT_OVERLAY_AS_NAMED, &to);
    if (result < 0)
        return result;
    if (from.dots || to.dots)
        return -WAOT_WASI_BUSY;
    if (from.kind == WAOT_OVERLAY_NONE)
        return -WAOT_WASI_NOENT;
    if (from.kind == WAOT_OVERLAY_MERGED)
        return -WAOT_WASI_XDEV;
    bool is_directory = from.filetype == WAOT_WASI_FILETYPE_DIRECTORY;
    if (!is_directory && (from.slash || to.slash))
        return -WAOT_WASI_NOTDIR;
    if (!is_directory && to.kind == WAOT_OVERLAY_MERGED)
        return -WAOT_WASI_ISDIR;
    if (is_directory && to.kind == WAOT_OVERLAY_LOWER)
        return -WAOT_WASI_NOTDIR;
    result = waot_overlay_prepare(&to);
    if (result >= 0 && to.kind == WAOT_OVERLAY_MERGED)
        result = waot_overlay_remove_merged(&to);
    if (result >= 0 && from.kind == WAOT_OVERLAY_LOWER)
        result = waot_overlay_copy_up(&from);
    /* As for unlink: hidden first. */
    if (result >= 0)
        result = waot_overlay_hide(&from);
    return result < 0 ? result : waot_os_path_rename(from.top, from.path, to.top, to.path);
}
