/* Names in directories made, removed and renamed, of os.h. What is done with a name is the system's (places.h). */
#include "posix.h"

#include "places.h"

bool waot_posix_is_dots(const char *name)
{
    if (name[0] != '.')
        return false;
    name += name[1] == '.' ? 2 : 1;
    return *name == '\0' || *name == '/';
}

int64_t waot_posix_release(const struct waot_posix_place *place, long result)
{
    if (place->opened)
        waot_call_close(place->directory);
    return waot_posix_result(result);
}

/* Not inline, as the one for two places: the functions that use them are the smaller for it. */
__attribute__((noinline)) static int64_t waot_posix_one_place(long (*act)(const struct waot_posix_place *), long root,
                                                              const char *path)
{
    struct waot_posix_place place;
    long result = waot_posix_locate(root, path, WAOT_POSIX_LAST_AS_NAMED, &place);
    return result < 0 ? waot_posix_result(result) : waot_posix_release(&place, act(&place));
}

int64_t waot_os_path_make_directory(waot_os_handle root, const char *path)
{
    return waot_posix_one_place(waot_place_make_directory, root, path);
}

int64_t waot_os_path_remove_directory(waot_os_handle root, const char *path)
{
    return waot_posix_one_place(waot_place_remove_directory, root, path);
}

int64_t waot_os_path_unlink(waot_os_handle root, const char *path)
{
    return waot_posix_one_place(waot_place_unlink, root, path);
}

int64_t waot_os_path_symlink(const char *target, waot_os_handle root, const char *path)
{
    struct waot_posix_place place;
    long result = waot_posix_locate(root, path, WAOT_POSIX_LAST_AS_NAMED, &place);
    return result < 0 ? waot_posix_result(result) : waot_posix_release(&place, waot_place_symlink(target, &place));
}

__attribute__((noinline)) int64_t waot_posix_two_places(waot_posix_act *act, enum waot_posix_last last, long root,
                                                        const char *path, long new_root, const char *new_path)
{
    struct waot_posix_place from, to;
    long result = waot_posix_locate(root, path, last, &from);
    if (result < 0)
        return waot_posix_result(result);
    result = waot_posix_locate(new_root, new_path, WAOT_POSIX_LAST_AS_NAMED, &to);
    if (result >= 0) {
        result = act(&from, &to);
        waot_posix_release(&to, 0);
    }
    return waot_posix_release(&from, result);
}

int64_t waot_os_path_rename(waot_os_handle root, const char *path, waot_os_handle new_root, const char *new_path)
{
    return waot_posix_two_places(waot_place_rename, WAOT_POSIX_LAST_AS_NAMED, root, path, new_root, new_path);
}
