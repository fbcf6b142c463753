/* Paths resolved beneath a directory.
 *
 * Where the kernel does not do it, or not always, we walk: each component is opened with O_NOFOLLOW in the directory reached
 * so far, and symbolic links are read and expanded by us. `..` never opens the name "..", which another process could make
 * lead out by moving the directory that we stand in: we keep the names walked from the root and walk again without the last.
 */
#include "posix.h"

enum { WAOT_POSIX_LINKS = 40 }; /* in a path: as many as Linux follows, whatever the system */

struct waot_posix_walk {
    long root;
    long at;      /* the directory reached: root or ours to close */
    size_t depth; /* bytes in `names` */
    int links;    /* expanded so far */
    char names[2 * WAOT_OS_PATH_SIZE];  /* from the root to `at`, each ended by NUL */
    char rest[2 * WAOT_OS_PATH_SIZE];   /* what is still to be walked */
    char target[WAOT_OS_PATH_SIZE];
};

static void waot_posix_walk_to(struct waot_posix_walk *walk, long directory)
{
    if (walk->at != walk->root)
        waot_call_close(walk->at);
    walk->at = directory;
}

static long waot_posix_walk_open(long directory, const char *name)
{
    return waot_call_openat(directory, name, WAOT_CALL_SEARCH | O_NOFOLLOW, 0);
}

/* Whoever looks up `.` or `..` in a directory must be allowed to search it. */
static long waot_posix_walk_search(const struct waot_posix_walk *walk)
{
    long found = waot_posix_walk_open(walk->at, ".");
    if (found >= 0)
        waot_call_close(found);
    return found < 0 ? found : 0;
}

/* `..`: walks again from the root to the directory above. */
static long waot_posix_walk_up(struct waot_posix_walk *walk)
{
    long searched = waot_posix_walk_search(walk);
    if (searched < 0)
        return searched;
    if (walk->depth == 0)
        return -EPERM;
    do
        walk->depth--;
    while (walk->depth > 0 && walk->names[walk->depth - 1] != '\0');
    waot_posix_walk_to(walk, walk->root);
    for (size_t i = 0; i < walk->depth; i += __builtin_strlen(walk->names + i) + 1) {
        long next = waot_posix_walk_open(walk->at, walk->names + i);
        if (next < 0)
            return next;
        waot_posix_walk_to(walk, next);
    }
    return 0;
}

/* If `name` is a symbolic link, puts its target in front of walk->rest[after..]: 1. 0 if it is none. */
static long waot_posix_walk_link(struct waot_posix_walk *walk, const char *name, size_t after)
{
    long size = waot_call_readlinkat(walk->at, name, walk->target, sizeof walk->target);
    if (size == -EINVAL)
        return 0;
    if (size < 0)
        return size;
    if (++walk->links > WAOT_POSIX_LINKS)
        return -ELOOP;
    if (size == 0)
        return -ENOENT;
    if (walk->target[0] == '/')
        return -EPERM;
    size_t tail = __builtin_strlen(walk->rest + after) + 1;
    if ((size_t)size >= sizeof walk->target)
        return -ENAMETOOLONG;
    if ((size_t)size + 1 + tail > sizeof walk->rest) /* what is put in front again and again is a loop */
        return -ELOOP;
    bool more = walk->rest[after - 1] == '/'; /* a slash behind the link stays, with or without names behind it */
    __builtin_memmove(walk->rest + size + (more ? 1 : 0), walk->rest + after, tail);
    __builtin_memcpy(walk->rest, walk->target, (size_t)size);
    if (more)
        walk->rest[size] = '/';
    return 1;
}

/* Takes one component that has others behind it: enters the directory or expands the link. */
static long waot_posix_walk_enter(struct waot_posix_walk *walk, const char *name, size_t size, size_t after)
{
    if (size == 1 && name[0] == '.')
        return waot_posix_walk_search(walk);
    if (size == 2 && name[0] == '.' && name[1] == '.')
        return waot_posix_walk_up(walk);
    if (walk->depth + size + 1 > sizeof walk->names)
        return -ENAMETOOLONG;
    long next = waot_posix_walk_open(walk->at, name);
    if (next == -ENOTDIR || next == -ELOOP) {
        long link = waot_posix_walk_link(walk, name, after);
        return link == 0 ? -ENOTDIR : link;
    }
    if (next < 0)
        return next;
    __builtin_memcpy(walk->names + walk->depth, name, size + 1);
    walk->depth += size + 1;
    waot_posix_walk_to(walk, next);
    return 0;
}

/* Walks until the last name. Of a path that ends in a directory by `.`, `..` or a slash it is ".", but AS_NAMED. */
static long waot_posix_walk_all(struct waot_posix_walk *walk, enum waot_posix_last last, char *name)
{
    for (;;) {
        size_t start = 0;
        while (walk->rest[start] == '/')
            start++;
        size_t end = start;
        while (walk->rest[end] != '\0' && walk->rest[end] != '/')
            end++;
        size_t after = end;
        while (walk->rest[after] == '/')
            after++;
        size_t size = end - start; /* less than that of `name`; which names are too long the file system says */
        if (size == 0) { /* nothing left behind a slash, or behind a `..` */
            __builtin_memcpy(name, ".", 2);
            return 0;
        }
        __builtin_memcpy(name, walk->rest + start, size);
        name[size] = '\0';
        bool is_last = walk->rest[after] == '\0';
        if (is_last && after > end && last == WAOT_POSIX_LAST_CREATE && !waot_posix_is_dots(name))
            return -EISDIR;
        if (is_last && last == WAOT_POSIX_LAST_AS_NAMED) {
            if (after > end && WAOT_CALL_SLASHES)
                __builtin_memcpy(name + size, "/", 2);
            return 0;
        }
        long moved = 0;
        if (is_last && after == end && !waot_posix_is_dots(name)) {
            if (last == WAOT_POSIX_LAST_NOFOLLOW)
                return 0;
            moved = waot_posix_walk_link(walk, name, after);
            if (moved == 0 || moved == -ENOENT) /* a name that is not there is for the caller to make */
                return 0;
        } else {
            moved = waot_posix_walk_enter(walk, name, size, after);
        }
        if (moved < 0)
            return moved;
        if (moved == 0)
            __builtin_memmove(walk->rest, walk->rest + after, __builtin_strlen(walk->rest + after) + 1);
    }
}

/* The walk's buffers are large, hence its own function: what needs no walk has a small frame. */
__attribute__((noinline)) static long waot_posix_walk(long root, const char *path, enum waot_posix_last last,
                                                      struct waot_posix_place *place)
{
    struct waot_posix_walk walk;
    size_t size = __builtin_strlen(path) + 1;
    if (size == 1)
        return -ENOENT;
    if (path[0] == '/')
        return -EPERM;
    walk.root = walk.at = root;
    walk.depth = 0;
    walk.links = 0;
    __builtin_memcpy(walk.rest, path, size);
    long result = waot_posix_walk_all(&walk, last, place->path);
    if (result < 0) {
        waot_posix_walk_to(&walk, root);
        return result;
    }
    place->directory = walk.at;
    place->opened = walk.at != root;
    place->name = place->path;
    return 0;
}

/* ---------------------------------------------------------------- both ways */

long waot_posix_locate(long root, const char *path, enum waot_posix_last last, struct waot_posix_place *place)
{
    size_t size = __builtin_strlen(path), end, start = waot_posix_last_name(path, &end);
    if (size == 0)
        return -ENOENT;
    if (path[0] == '/')
        return -EPERM;
    bool dots = waot_posix_is_dots(path + start);
    place->slash = end < size;
    /* Looking up the last name safely is left to the walk where it may be a link or leads up. */
    if (last == WAOT_POSIX_LAST_FOLLOW || (last == WAOT_POSIX_LAST_NOFOLLOW && (place->slash || dots)))
        return waot_posix_walk(root, path, last, place);
    if (dots) {
        /* The kernel makes and removes nothing of such a name, but would tell of what stands above the root. */
        long directory = waot_posix_open_beneath(root, path, WAOT_CALL_SEARCH, 0);
        if (directory < 0)
            return directory;
        waot_call_close(directory);
    }
    __builtin_memcpy(place->path, path, end);
    if (place->slash && WAOT_CALL_SLASHES)
        place->path[end++] = '/';
    place->path[end] = '\0';
    place->name = place->path + start;
    place->directory = root;
    place->opened = false;
    if (start == 0)
        return 0;
    place->path[start - 1] = '\0';
    long directory = waot_system_open_beneath(root, place->path, WAOT_CALL_SEARCH, 0);
    if (directory == -ENOSYS)
        return waot_posix_walk(root, path, last, place);
    if (directory < 0)
        return directory;
    place->directory = directory;
    place->opened = true;
    return 0;
}

long waot_posix_open_beneath(long root, const char *path, long flags, long mode)
{
    if (path[0] == '\0')
        return -ENOENT;
    long result = waot_system_open_beneath(root, path, flags, mode);
    if (result != -ENOSYS)
        return result;
    struct waot_posix_place place;
    enum waot_posix_last last = (flags & O_CREAT) != 0 ? WAOT_POSIX_LAST_CREATE : WAOT_POSIX_LAST_FOLLOW;
    if ((flags & O_NOFOLLOW) != 0 || (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
        last = WAOT_POSIX_LAST_NOFOLLOW;
    size_t size = __builtin_strlen(path);
    if (path[size - 1] == '/' && (flags & O_CREAT) != 0) { /* open(2) makes no directories */
        result = waot_posix_locate(root, path, WAOT_POSIX_LAST_AS_NAMED, &place);
        if (result < 0)
            return result;
        waot_posix_release(&place, 0);
        return waot_posix_is_dots(place.name) && (flags & O_EXCL) != 0 ? -EEXIST : -EISDIR;
    }
    if (path[size - 1] == '/')
        flags |= O_DIRECTORY;
    result = waot_posix_walk(root, path, last, &place);
    if (result < 0)
        return result;
    result = waot_call_openat(place.directory, place.name, flags | O_NOFOLLOW | O_CLOEXEC, mode);
    waot_posix_release(&place, 0);
    return result;
}
