/* A granted directory on top of an embedded one, for the rest of wasi/. Private; see overlay.c.
 *
 * Each function on paths asks waot_wasi_is_overlay of its directory first, then waot_wasi_is_embedded. The results are
 * those of os.h. */
#ifndef WAOT_OVERLAY_H
#define WAOT_OVERLAY_H

#include "embed.h"

static inline bool waot_wasi_is_overlay(const struct waot_wasi_descriptor *descriptor)
{
    return WAOT_MAY(OVERLAY) && descriptor->overlay;
}

/* Opens what stands in the host's directory `directory->handle`. */
int64_t waot_wasi_open(const struct waot_wasi_descriptor *directory, const char *path, uint32_t access, uint32_t oflags,
                       uint32_t fdflags, struct waot_wasi_descriptor *opened);

int64_t waot_overlay_open(const struct waot_wasi_descriptor *directory, const char *path, uint32_t access,
                          uint32_t oflags, uint32_t fdflags, struct waot_wasi_descriptor *opened);
int64_t waot_overlay_stat(const struct waot_wasi_descriptor *directory, struct waot_os_stat *stat);
int64_t waot_overlay_path_stat(const struct waot_wasi_descriptor *directory, const char *path, bool follow,
                               struct waot_os_stat *stat);
int64_t waot_overlay_set_times(const struct waot_wasi_descriptor *directory, const char *path, bool follow,
                               const struct waot_os_times *times);
int64_t waot_overlay_make_directory(const struct waot_wasi_descriptor *directory, const char *path);
int64_t waot_overlay_remove_directory(const struct waot_wasi_descriptor *directory, const char *path);
int64_t waot_overlay_unlink(const struct waot_wasi_descriptor *directory, const char *path);
int64_t waot_overlay_symlink(const char *target, const struct waot_wasi_descriptor *directory, const char *path);
int64_t waot_overlay_readlink(const struct waot_wasi_descriptor *directory, const char *path, char *target,
                              size_t size);
/* One of the two directories, or both, are overlays. */
int64_t waot_overlay_link(const struct waot_wasi_descriptor *directory, const char *path,
                          const struct waot_wasi_descriptor *new_directory, const char *new_path);
int64_t waot_overlay_rename(const struct waot_wasi_descriptor *directory, const char *path,
                            const struct waot_wasi_descriptor *new_directory, const char *new_path);

/* Entries of a merged directory: those of the granted one first, from its position on, then the embedded ones, by
 * number. */
int64_t waot_overlay_open_upper(const struct waot_wasi_descriptor *directory); /* minus NOENT: there is none */
/* Whether an entry of the granted directory is seen; its inode is made what the entry's stat tells. */
bool waot_overlay_shows_upper(const struct waot_wasi_descriptor *directory, struct waot_os_entry *entry);
/* Whether an embedded entry is seen and has not been among the others. */
bool waot_overlay_shows_lower(const struct waot_wasi_descriptor *directory, const struct waot_os_entry *entry);

#endif
