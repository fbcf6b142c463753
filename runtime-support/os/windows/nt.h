/* What Windows' documented native interface (Windows Driver Kit, ntifs.h) has and the headers for programs have not: files
 * relative to the handle of a directory, and how they are opened, renamed and removed as POSIX does. */
#ifndef WAOT_NT_H
#define WAOT_NT_H

#define WIN32_LEAN_AND_MEAN
#define NOMINMAX
#define WIN32_NO_STATUS /* <ntstatus.h> has all of them */
#include <windows.h>
#undef WIN32_NO_STATUS
#include <ntstatus.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef LONG NTSTATUS; /* <ntstatus.h> needs it */
typedef NTSTATUS waot_nt_status;

struct waot_nt_string { /* UNICODE_STRING; sizes are bytes */
    USHORT size, room;
    WCHAR *text;
};

struct waot_nt_attributes { /* OBJECT_ATTRIBUTES */
    ULONG size;
    HANDLE directory;
    const struct waot_nt_string *name;
    ULONG flags;
    void *security, *quality;
};

struct waot_nt_result { /* IO_STATUS_BLOCK */
    union {
        waot_nt_status status;
        void *pointer;
    };
    ULONG_PTR information;
};

enum {
    WAOT_NT_CASE_INSENSITIVE = 0x40,

    WAOT_NT_CREATED = 2, /* what was done, in the result */

    WAOT_NT_OPEN = 1,
    WAOT_NT_CREATE = 2,
    WAOT_NT_OPEN_IF = 3,

    WAOT_NT_DIRECTORY_FILE = 0x1,
    WAOT_NT_WRITE_THROUGH = 0x2,
    WAOT_NT_SYNCHRONOUS = 0x20,
    WAOT_NT_NO_DIRECTORY = 0x40,
    WAOT_NT_FOR_BACKUP = 0x4000,
    WAOT_NT_OPEN_REPARSE_POINT = 0x200000,

    /* FILE_INFORMATION_CLASS */
    WAOT_NT_BASIC = 4,
    WAOT_NT_STANDARD = 5,
    WAOT_NT_ACCESS = 8,
    WAOT_NT_RENAME = 10,
    WAOT_NT_LINK = 11,
    WAOT_NT_DISPOSITION = 13,
    WAOT_NT_POSITION = 14,
    WAOT_NT_END_OF_FILE = 20,
    WAOT_NT_PIPE_LOCAL = 24,
    WAOT_NT_ATTRIBUTE_TAG = 35,
    WAOT_NT_ID_BOTH_DIRECTORY = 37,
    WAOT_NT_DISPOSITION_EX = 64,
    WAOT_NT_RENAME_EX = 65,

    WAOT_NT_OBJECT_NAME = 1, /* OBJECT_INFORMATION_CLASS: a UNICODE_STRING and its text */

    WAOT_NT_DELETE = 0x1,
    WAOT_NT_POSIX_DELETE = 0x2,
    WAOT_NT_DELETE_READ_ONLY = 0x10,

    WAOT_NT_REPLACE = 0x1,
    WAOT_NT_POSIX_RENAME = 0x2,
    WAOT_NT_REPLACE_READ_ONLY = 0x40,

    WAOT_NT_SET_REPARSE_POINT = 0x900a4,
    WAOT_NT_GET_REPARSE_POINT = 0x900a8,
    WAOT_NT_REPARSE_ROOM = 16384, /* MAXIMUM_REPARSE_DATA_BUFFER_SIZE */
};

struct waot_nt_basic {
    int64_t created, accessed, modified, changed; /* 100 ns since 1601; 0: as it is */
    ULONG attributes;
};

struct waot_nt_standard {
    int64_t allocated, size;
    ULONG links;
    BOOLEAN deleting, directory;
};

struct waot_nt_attribute_tag {
    ULONG attributes, tag;
};

struct waot_nt_pipe {
    ULONG type, configuration, instances, current, in_quota, readable, out_quota, writable, state, end;
};

/* FILE_RENAME_INFORMATION, FILE_LINK_INFORMATION: the first field is a BOOLEAN without _EX. */
struct waot_nt_rename {
    ULONG flags;
    HANDLE directory;
    ULONG name_size;
    WCHAR name[256];
};

/* FILE_ID_BOTH_DIR_INFORMATION */
struct waot_nt_entry {
    ULONG next, index;
    int64_t created, accessed, modified, changed, size, allocated;
    ULONG attributes, name_size, tag;
    CCHAR short_size;
    WCHAR short_name[12];
    uint64_t inode;
    WCHAR name[];
};

/* REPARSE_DATA_BUFFER; offsets and sizes are bytes of `text` behind the fields of the tag. */
struct waot_nt_reparse {
    ULONG tag;
    USHORT size, reserved;
    USHORT target_at, target_size, shown_at, shown_size;
    ULONG flags; /* a symbolic link's; a mount point has none, and its text begins here */
    WCHAR text[];
};
#define WAOT_NT_REPARSE_HEAD 8u
#define WAOT_NT_LINK_RELATIVE 1u

#define WAOT_NT_FUNCTION(name, ...) __declspec(dllimport) waot_nt_status NTAPI name(__VA_ARGS__)
WAOT_NT_FUNCTION(NtClose, HANDLE);
WAOT_NT_FUNCTION(NtCreateFile, HANDLE *, ACCESS_MASK, const struct waot_nt_attributes *, struct waot_nt_result *,
                 const int64_t *, ULONG, ULONG, ULONG, ULONG, const void *, ULONG);
WAOT_NT_FUNCTION(NtQueryObject, HANDLE, int, void *, ULONG, ULONG *);
WAOT_NT_FUNCTION(NtQueryAttributesFile, const struct waot_nt_attributes *, void *);
WAOT_NT_FUNCTION(NtReadFile, HANDLE, HANDLE, void *, void *, struct waot_nt_result *, void *, ULONG, const int64_t *,
                 ULONG *);
WAOT_NT_FUNCTION(NtWriteFile, HANDLE, HANDLE, void *, void *, struct waot_nt_result *, const void *, ULONG,
                 const int64_t *, ULONG *);
WAOT_NT_FUNCTION(NtFlushBuffersFile, HANDLE, struct waot_nt_result *);
WAOT_NT_FUNCTION(NtQueryInformationFile, HANDLE, struct waot_nt_result *, void *, ULONG, int);
WAOT_NT_FUNCTION(NtSetInformationFile, HANDLE, struct waot_nt_result *, const void *, ULONG, int);
WAOT_NT_FUNCTION(NtQueryDirectoryFile, HANDLE, HANDLE, void *, void *, struct waot_nt_result *, void *, ULONG, int,
                 BOOLEAN, const struct waot_nt_string *, BOOLEAN);
WAOT_NT_FUNCTION(NtFsControlFile, HANDLE, HANDLE, void *, void *, struct waot_nt_result *, ULONG, const void *, ULONG,
                 void *, ULONG);
WAOT_NT_FUNCTION(NtWaitForSingleObject, HANDLE, BOOLEAN, const int64_t *);
WAOT_NT_FUNCTION(NtDelayExecution, BOOLEAN, const int64_t *);
WAOT_NT_FUNCTION(NtYieldExecution, void);
WAOT_NT_FUNCTION(NtTerminateProcess, HANDLE, waot_nt_status);
WAOT_NT_FUNCTION(RtlWaitOnAddress, const void *, const void *, SIZE_T, const int64_t *);
__declspec(dllimport) void NTAPI RtlWakeAddressSingle(const void *);
/* RtlGenRandom */
__declspec(dllimport) BOOLEAN NTAPI SystemFunction036(void *, ULONG);
#undef WAOT_NT_FUNCTION

#endif
