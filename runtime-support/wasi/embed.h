/* Embedded directories, for the rest of wasi/. Private.
 *
 * A descriptor with a node is open on an embedded file or directory instead of a host's. Each function that asks the
 * system about a handle asks here first, by waot_wasi_is_embedded; whatever would change something has been refused
 * before, because such a descriptor is read-only. The results are those of os.h. */
#ifndef WAOT_EMBED_H
#define WAOT_EMBED_H

#include "wasi.h"

/* False where nothing is embedded, which is known when the program is compiled. */
static inline bool waot_wasi_is_embedded(const struct waot_wasi_descriptor *descriptor)
{
    return WAOT_MAY(EMBEDDED) && descriptor->node != 0;
}

/* Whether it is open on something of the host's by a handle of its own. */
static inline bool waot_wasi_is_of_host(const struct waot_wasi_descriptor *descriptor)
{
    return !waot_wasi_is_embedded(descriptor) && !waot_wasi_is_files(descriptor);
}

/* waot_os_stat, waot_os_flags and waot_os_seek of what a descriptor is open on, be it the host's, granted files or
 * embedded. */
int64_t waot_wasi_stat(const struct waot_wasi_descriptor *descriptor, struct waot_os_stat *stat);
int64_t waot_wasi_flags(const struct waot_wasi_descriptor *descriptor);
int64_t waot_wasi_seek_to(struct waot_wasi_descriptor *descriptor, int64_t offset, uint32_t whence);

const struct waot_embed_node *waot_embed_node(uint32_t number);
/* The bytes at an offset of the image. */
const uint8_t *waot_embed_bytes(uint64_t offset);

/* The descriptor of a directory that the manifest speaks of. */
void waot_embed_grant(const struct waot_embedded *record, struct waot_wasi_descriptor *descriptor);
const char *waot_embed_name(const struct waot_embed_node *node); /* name_size bytes */
/* The entry of that name in a directory, or 0. */
uint32_t waot_embed_find(uint32_t directory, const char *name, size_t size);
/* A path below a directory: a node. Nothing above `base` is reached, as for os.h's paths. */
int64_t waot_embed_resolve(uint32_t base, const char *path, bool follow);
int64_t waot_embed_open(const struct waot_wasi_descriptor *directory, const char *path, uint32_t access,
                        uint32_t oflags, uint32_t fdflags, struct waot_wasi_descriptor *opened);
void waot_embed_open_node(const struct waot_wasi_descriptor *directory, uint32_t number, uint32_t fdflags,
                          struct waot_wasi_descriptor *opened);
/* Flags as the system tells them of a file that was opened with these: there is one kind of synchronous reading. */
uint8_t waot_embed_fdflags(uint32_t fdflags);
void waot_embed_stat(uint32_t number, struct waot_os_stat *stat);
int64_t waot_embed_path_stat(uint32_t base, const char *path, bool follow, struct waot_os_stat *stat);
int64_t waot_embed_readlink(uint32_t base, const char *path, char *target, size_t size);
/* Reads into waot_wasi_scratch.buffers, from `offset` or, without FD_SEEK in `right`, from where the descriptor stands,
 * which moves on. With FD_WRITE in it: refused. */
int64_t waot_embed_move(struct waot_wasi_descriptor *descriptor, uint32_t right, size_t count, uint64_t offset);
/* Entry `index` of a directory; false behind the last. */
bool waot_embed_entry(uint32_t directory, uint64_t index, struct waot_os_entry *entry);

/* [offset, offset + size) of a file, which has that many bytes there: 0, or minus IO. */
int64_t waot_embed_copy(const struct waot_embed_node *node, uint64_t offset, uint8_t *to, size_t size);
/* The same of a compressed file, block by block. */
int64_t waot_embed_expand(const struct waot_embed_node *node, uint64_t offset, uint8_t *to, size_t size);

/* Raw deflate (RFC 1951) of exactly `to_size` bytes; false if it is not that. Touches nothing outside the two. */
bool waot_inflate(const uint8_t *from, size_t from_size, uint8_t *to, size_t to_size);

#endif
