/* Granted files: each stands in a directory that the guest sees, under its own name there, with nothing beside it but
 * other granted files. No path function makes, removes, renames or links anything in such a directory.
 *
 * What a grant names is found when the program starts: HOST's symbolic links are followed then, and the directory in
 * which the last name stands is kept. Each open is one of that name in that directory which follows no link, so a file
 * that was replaced meanwhile is the new one, and a link or a directory put in its place is an error. */
#include "wasi.h"

struct waot_wasi_granted_file {
    waot_os_handle parent;        /* where it stands */
    char name[WAOT_OS_NAME_SIZE]; /* and as what */
    char guest_name[WAOT_OS_NAME_SIZE];
    char guest_directory[WAOT_OS_PATH_SIZE];
    uint32_t directory; /* the number of that directory: the first file in it */
    bool read_only;
};

/* ---------------------------------------------------------------- at the start */

/* At least as many as there are, when the first is in hand: an item of WAOT_FILE is off the list already. */
static uint32_t waot_wasi_count_file_grants(void)
{
    uint32_t count = 1;
    struct waot_wasi_record record = {NULL, NULL};
    while (waot_wasi_next_record(&record))
        count += record.head->kind == WAOT_RECORD_FILE;
    const char *list = waot_wasi_state.variables[WAOT_WASI_VARIABLE_FILE];
    if (!WAOT_MAY(RUN_TIME) || list == NULL || *list == '\0')
        return count;
    for (count++; *list != '\0'; list++)
        count += *list == ';';
    return count;
}

/* Takes GUEST apart: a directory, "." where none is named, and a name. 0 or minus an errno. */
static int64_t waot_wasi_split_guest(const char *guest, struct waot_wasi_granted_file *file)
{
    size_t size = __builtin_strlen(guest), start = size;
    while (start > 0 && guest[start - 1] != '/')
        start--;
    const char *name = guest + start;
    if (name[0] == '\0' || waot_wasi_same_path(name, ".") || waot_wasi_same_path(name, ".."))
        return -WAOT_WASI_INVAL;
    if (size - start >= sizeof file->guest_name || start >= sizeof file->guest_directory)
        return -WAOT_WASI_NAMETOOLONG;
    __builtin_memcpy(file->guest_name, name, size - start + 1);
    while (start > 1 && guest[start - 1] == '/')
        start--;
    __builtin_memcpy(file->guest_directory, start == 0 ? "." : guest, start == 0 ? 1 : start);
    file->guest_directory[start == 0 ? 1 : start] = '\0';
    return 0;
}

void waot_wasi_grant_file(const struct waot_wasi_path_grant *grant)
{
    struct waot_wasi_state *state = &waot_wasi_state;
    uint32_t number = state->file_count;
    if (number == 0) /* the first makes room for all */
        state->files = waot_os_allocate_pages(waot_wasi_count_file_grants() * sizeof *state->files);
    if (state->files == NULL)
        waot_wasi_refuse_result("cannot grant file", grant->guest, -WAOT_WASI_NOMEM);
    struct waot_wasi_granted_file *file = &state->files[number];
    int64_t result = waot_wasi_split_guest(grant->guest, file);
    if (result < 0)
        waot_wasi_refuse_result("cannot grant file", grant->guest, result);
    result = waot_os_locate_file(grant->host, file->name);
    if (result < 0)
        waot_wasi_refuse_result("cannot open granted file", grant->host, result);
    file->parent = (waot_os_handle)result;
    file->read_only = grant->read_only;
    waot_wasi_may_open(file->read_only);
    file->directory = number;
    for (uint32_t i = 0; i < number; i++) {
        const struct waot_wasi_granted_file *other = &state->files[i];
        if (!waot_wasi_same_path(other->guest_directory, file->guest_directory))
            continue;
        if (waot_wasi_same_path(other->guest_name, file->guest_name))
            waot_wasi_refuse_result("cannot grant file", grant->guest, -WAOT_WASI_EXIST);
        file->directory = other->directory;
    }
    state->file_count++;
    if (file->directory != number)
        return;
    struct waot_wasi_descriptor descriptor = {
        .handle = -1, .preopen = file->guest_directory, .kind = WAOT_WASI_FILES, .read_only = true, .files = number};
    waot_wasi_preopen(&descriptor, grant->host);
}

/* ---------------------------------------------------------------- paths */

/* What a path names: *file is null for the directory itself. */
static uint32_t waot_wasi_find_file(const struct waot_wasi_descriptor *directory, const char *path,
                                    struct waot_wasi_granted_file **file)
{
    *file = NULL;
    if (path[0] == '\0')
        return WAOT_WASI_NOENT;
    if (path[0] == '/')
        return WAOT_WASI_PERM;
    while (path[0] == '/' || (path[0] == '.' && (path[1] == '/' || path[1] == '\0')))
        path++;
    if (path[0] == '\0')
        return WAOT_WASI_SUCCESS;
    if (path[0] == '.' && path[1] == '.' && (path[2] == '/' || path[2] == '\0'))
        return WAOT_WASI_PERM;
    size_t size = 0;
    while (path[size] != '\0' && path[size] != '/')
        size++;
    if (size >= WAOT_OS_NAME_SIZE)
        return WAOT_WASI_NAMETOOLONG;
    for (uint32_t i = directory->files; i < waot_wasi_state.file_count; i++) {
        struct waot_wasi_granted_file *at = &waot_wasi_state.files[i];
        if (at->directory != directory->files || __builtin_strlen(at->guest_name) != size ||
            __builtin_memcmp(at->guest_name, path, size) != 0)
            continue;
        *file = at;
        return path[size] == '/' ? WAOT_WASI_NOTDIR : WAOT_WASI_SUCCESS;
    }
    return WAOT_WASI_NOENT;
}

uint32_t waot_wasi_files_open(const struct waot_wasi_descriptor *directory, const char *path, uint32_t access,
                              uint32_t oflags, uint32_t fdflags, struct waot_wasi_descriptor *opened)
{
    bool making = (oflags & WAOT_WASI_OFLAGS_CREAT) != 0;
    bool changes = making || (oflags & WAOT_WASI_OFLAGS_TRUNC) != 0 || (access & WAOT_OS_OPEN_WRITE) != 0;
    struct waot_wasi_granted_file *file;
    uint32_t error = waot_wasi_find_file(directory, path, &file);
    if (error == WAOT_WASI_NOENT && making)
        return WAOT_WASI_PERM;
    if (error != WAOT_WASI_SUCCESS)
        return error;
    if (file == NULL) {
        opened->handle = -1;
        opened->kind = WAOT_WASI_FILES;
        opened->read_only = true;
        opened->files = directory->files;
        return changes ? WAOT_WASI_ISDIR : WAOT_WASI_SUCCESS;
    }
    if ((oflags & WAOT_WASI_OFLAGS_DIRECTORY) != 0)
        return WAOT_WASI_NOTDIR;
    if (file->read_only && changes)
        return WAOT_WASI_PERM;
    int64_t handle = waot_os_path_open(file->parent, file->name, access & ~WAOT_OS_OPEN_FOLLOW, oflags, fdflags);
    if (handle < 0)
        return waot_wasi_result(handle);
    struct waot_os_stat stat;
    int64_t result = waot_os_stat((waot_os_handle)handle, &stat);
    /* Put there since; its entries were not granted. */
    if (result == 0 && stat.filetype == WAOT_WASI_FILETYPE_DIRECTORY)
        result = -WAOT_WASI_ISDIR;
    if (result < 0) {
        waot_os_close((waot_os_handle)handle);
        return waot_wasi_result(result);
    }
    opened->handle = (waot_os_handle)handle;
    opened->kind = WAOT_WASI_FILE;
    opened->read_only = file->read_only;
    return WAOT_WASI_SUCCESS;
}

/* A directory that is on no disk: neither times nor a device of the host's. */
void waot_wasi_files_own_stat(const struct waot_wasi_descriptor *directory, struct waot_os_stat *stat)
{
    *stat = (struct waot_os_stat){.device = UINT64_MAX,
                                  .inode = (uint64_t)directory->files + 1,
                                  .links = 1,
                                  .filetype = WAOT_WASI_FILETYPE_DIRECTORY};
}

uint32_t waot_wasi_files_stat(const struct waot_wasi_descriptor *directory, const char *path,
                              struct waot_os_stat *stat)
{
    struct waot_wasi_granted_file *file;
    uint32_t error = waot_wasi_find_file(directory, path, &file);
    if (error != WAOT_WASI_SUCCESS)
        return error;
    if (file != NULL)
        return waot_wasi_result(waot_os_path_stat(file->parent, file->name, false, stat));
    waot_wasi_files_own_stat(directory, stat);
    return WAOT_WASI_SUCCESS;
}

uint32_t waot_wasi_files_set_times(const struct waot_wasi_descriptor *directory, const char *path,
                                   const struct waot_os_times *times)
{
    struct waot_wasi_granted_file *file;
    uint32_t error = waot_wasi_find_file(directory, path, &file);
    if (error != WAOT_WASI_SUCCESS)
        return error;
    if (file == NULL || file->read_only)
        return WAOT_WASI_PERM;
    return waot_wasi_result(waot_os_path_set_times(file->parent, file->name, false, times));
}

/* None of them is a link. */
uint32_t waot_wasi_files_readlink(const struct waot_wasi_descriptor *directory, const char *path)
{
    struct waot_wasi_granted_file *file;
    uint32_t error = waot_wasi_find_file(directory, path, &file);
    return error == WAOT_WASI_SUCCESS ? (uint32_t)WAOT_WASI_INVAL : error;
}

bool waot_wasi_files_entry(const struct waot_wasi_descriptor *directory, uint64_t *position,
                           struct waot_os_entry *entry)
{
    for (; *position < waot_wasi_state.file_count; ++*position) {
        struct waot_wasi_granted_file *file = &waot_wasi_state.files[*position];
        struct waot_os_stat stat;
        if (file->directory != directory->files || waot_os_path_stat(file->parent, file->name, false, &stat) < 0)
            continue;
        entry->next = *position + 1;
        entry->inode = stat.inode;
        entry->name = file->guest_name;
        entry->name_size = __builtin_strlen(file->guest_name);
        entry->filetype = stat.filetype;
        return true;
    }
    return false;
}
