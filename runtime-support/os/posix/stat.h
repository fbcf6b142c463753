/* Attributes from struct stat, where the C library's is the kernel's. */
#ifndef WAOT_POSIX_STAT_H
#define WAOT_POSIX_STAT_H

#include "posix.h"

#include <sys/stat.h>

static inline void waot_posix_convert_stat(const struct stat *from, uint64_t device, struct waot_os_stat *stat)
{
    *stat = (struct waot_os_stat){
        .device = device,
        .inode = from->st_ino,
        .links = from->st_nlink,
        .size = (uint64_t)from->st_size,
        .accessed = waot_posix_nanoseconds(from->st_atim.tv_sec, (uint64_t)from->st_atim.tv_nsec),
        .modified = waot_posix_nanoseconds(from->st_mtim.tv_sec, (uint64_t)from->st_mtim.tv_nsec),
        .changed = waot_posix_nanoseconds(from->st_ctim.tv_sec, (uint64_t)from->st_ctim.tv_nsec),
        .filetype = waot_posix_filetype(from->st_mode),
    };
}

#endif
