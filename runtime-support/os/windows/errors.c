/* The statuses of the native interface as WASI's error codes. */
#include "system.h"

/* All of them are 0xc000 and these two bytes. */
#define WAOT_WINDOWS_ERRORS(S) \
    S(ACCESS_DENIED, ACCES)           \
    S(SHARING_VIOLATION, ACCES)       \
    S(DELETE_PENDING, ACCES)          \
    S(NETWORK_ACCESS_DENIED, ACCES)   \
    S(FILE_LOCK_CONFLICT, ACCES)      \
    S(LOCK_NOT_GRANTED, ACCES)        \
    S(PRIVILEGE_NOT_HELD, PERM)       \
    S(CANNOT_DELETE, PERM)            \
    S(MEDIA_WRITE_PROTECTED, PERM)    \
    S(OBJECT_NAME_NOT_FOUND, NOENT)   \
    S(OBJECT_PATH_NOT_FOUND, NOENT)   \
    S(NO_SUCH_FILE, NOENT)            \
    S(NOT_FOUND, NOENT)               \
    S(BAD_NETWORK_PATH, NOENT)        \
    S(BAD_NETWORK_NAME, NOENT)        \
    S(FILE_DELETED, NOENT)            \
    S(OBJECT_NAME_COLLISION, EXIST)   \
    S(OBJECT_NAME_INVALID, INVAL)     \
    S(OBJECT_PATH_INVALID, INVAL)     \
    S(OBJECT_PATH_SYNTAX_BAD, INVAL)  \
    S(INVALID_PARAMETER, INVAL)       \
    S(INVALID_INFO_CLASS, INVAL)      \
    S(NAME_TOO_LONG, NAMETOOLONG)     \
    S(NOT_A_DIRECTORY, NOTDIR)        \
    S(FILE_IS_A_DIRECTORY, ISDIR)     \
    S(DIRECTORY_NOT_EMPTY, NOTEMPTY)  \
    S(NOT_SAME_DEVICE, XDEV)          \
    S(TOO_MANY_LINKS, MLINK)          \
    S(DISK_FULL, NOSPC)               \
    S(QUOTA_EXCEEDED, DQUOT)          \
    S(FILE_TOO_LARGE, FBIG)           \
    S(NO_MEMORY, NOMEM)               \
    S(INSUFFICIENT_RESOURCES, NOMEM)  \
    S(COMMITMENT_LIMIT, NOMEM)        \
    S(TOO_MANY_OPENED_FILES, MFILE)   \
    S(INVALID_HANDLE, BADF)           \
    S(OBJECT_TYPE_MISMATCH, BADF)     \
    S(FILE_CLOSED, BADF)              \
    S(PIPE_BROKEN, PIPE)              \
    S(PIPE_CLOSING, PIPE)             \
    S(PIPE_DISCONNECTED, PIPE)        \
    S(PIPE_EMPTY, PIPE)               \
    S(NOT_SUPPORTED, NOTSUP)          \
    S(NOT_IMPLEMENTED, NOTSUP)        \
    S(INVALID_DEVICE_REQUEST, NOTSUP) \
    S(ACCESS_VIOLATION, FAULT)        \
    S(NOT_A_REPARSE_POINT, INVAL)    

#define WAOT_WINDOWS_STATUS(status, code) (uint16_t)STATUS_##status,
#define WAOT_WINDOWS_CODE(status, code) WAOT_WASI_##code,
#define WAOT_WINDOWS_CHECK(status, code) \
    _Static_assert((ULONG)STATUS_##status >> 16 == 0xc000, "not an error of that kind: " #status);

WAOT_WINDOWS_ERRORS(WAOT_WINDOWS_CHECK)

uint32_t waot_windows_errno(waot_nt_status status)
{
    static const uint16_t statuses[] = {WAOT_WINDOWS_ERRORS(WAOT_WINDOWS_STATUS)};
    static const uint8_t codes[] = {WAOT_WINDOWS_ERRORS(WAOT_WINDOWS_CODE)};
    for (size_t i = 0; i < sizeof codes; i++)
        if ((ULONG)status == (0xc0000000u | statuses[i]))
            return codes[i];
    return WAOT_WASI_IO;
}
