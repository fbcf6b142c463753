/* Compiled for Windows against the headers that zig brings, it compares them with what os/windows has of its own; nothing
 * of it is run. */
#include "machine.h"

/* Those have their parameters' types from this header. */
#define NtClose theirs_NtClose
#define NtCreateFile theirs_NtCreateFile
#define NtDelayExecution theirs_NtDelayExecution
#define NtFlushBuffersFile theirs_NtFlushBuffersFile
#define NtFsControlFile theirs_NtFsControlFile
#define NtQueryAttributesFile theirs_NtQueryAttributesFile
#define NtQueryDirectoryFile theirs_NtQueryDirectoryFile
#define NtQueryInformationFile theirs_NtQueryInformationFile
#define NtQueryObject theirs_NtQueryObject
#define NtReadFile theirs_NtReadFile
#define NtSetInformationFile theirs_NtSetInformationFile
#define NtTerminateProcess theirs_NtTerminateProcess
#define NtWaitForSingleObject theirs_NtWaitForSingleObject
#define NtWriteFile theirs_NtWriteFile
#define NtYieldExecution theirs_NtYieldExecution
#include <winternl.h>

#define SAME(name, value) _Static_assert((long)(name) == (value), #name);
#define SAME_SIZE(ours, theirs) _Static_assert(sizeof(ours) == sizeof(theirs), #ours);
#define SAME_PLACE(ours, field, theirs, their_field)                                                                    \
    _Static_assert(offsetof(ours, field) == offsetof(theirs, their_field), #ours " " #field);

/* ---------------------------------------------------------------- registers */

#if defined(__aarch64__)
#define REGISTER(number, field)                                                                                         \
    _Static_assert(offsetof(CONTEXT, field) - offsetof(CONTEXT, X0) == 8 * (number), "CONTEXT " #field);
REGISTER(1, X1)
REGISTER(18, X18)
REGISTER(28, X28)
REGISTER(29, Fp)
REGISTER(30, Lr)
REGISTER(WAOT_REGISTER_SP, Sp)
REGISTER(WAOT_WINDOWS_REGISTERS, Pc)
SAME(sizeof(CONTEXT), 912)
#else
#define REGISTER(number, field)                                                                                         \
    _Static_assert(offsetof(CONTEXT, field) - offsetof(CONTEXT, Rax) == 8 * (number), "CONTEXT " #field);
REGISTER(WAOT_REGISTER_SP, Rsp)
REGISTER(WAOT_WINDOWS_REGISTERS - 1, R15)
REGISTER(WAOT_WINDOWS_REGISTERS, Rip)
SAME(sizeof(CONTEXT), 1232)
#endif
/* <architecture>.S stores to there. */
SAME(offsetof(struct waot_registers, pc), 256)

/* ---------------------------------------------------------------- structures */

/* DeallocationStack, which has no name there, stands before TlsSlots. */
SAME(offsetof(TEB, TlsSlots) - sizeof(void *), WAOT_WINDOWS_STACK_LOW)


SAME_SIZE(struct waot_nt_string, UNICODE_STRING)
SAME_PLACE(struct waot_nt_string, size, UNICODE_STRING, Length)
SAME_PLACE(struct waot_nt_string, room, UNICODE_STRING, MaximumLength)
SAME_PLACE(struct waot_nt_string, text, UNICODE_STRING, Buffer)

SAME_SIZE(struct waot_nt_attributes, OBJECT_ATTRIBUTES)
SAME_PLACE(struct waot_nt_attributes, directory, OBJECT_ATTRIBUTES, RootDirectory)
SAME_PLACE(struct waot_nt_attributes, name, OBJECT_ATTRIBUTES, ObjectName)
SAME_PLACE(struct waot_nt_attributes, flags, OBJECT_ATTRIBUTES, Attributes)
SAME_PLACE(struct waot_nt_attributes, security, OBJECT_ATTRIBUTES, SecurityDescriptor)

SAME_SIZE(struct waot_nt_result, IO_STATUS_BLOCK)
SAME_PLACE(struct waot_nt_result, information, IO_STATUS_BLOCK, Information)

SAME_SIZE(struct waot_nt_basic, FILE_BASIC_INFORMATION)
SAME_PLACE(struct waot_nt_basic, created, FILE_BASIC_INFORMATION, CreationTime)
SAME_PLACE(struct waot_nt_basic, accessed, FILE_BASIC_INFORMATION, LastAccessTime)
SAME_PLACE(struct waot_nt_basic, modified, FILE_BASIC_INFORMATION, LastWriteTime)
SAME_PLACE(struct waot_nt_basic, changed, FILE_BASIC_INFORMATION, ChangeTime)
SAME_PLACE(struct waot_nt_basic, attributes, FILE_BASIC_INFORMATION, FileAttributes)

SAME_SIZE(struct waot_nt_standard, FILE_STANDARD_INFORMATION)
SAME_PLACE(struct waot_nt_standard, size, FILE_STANDARD_INFORMATION, EndOfFile)
SAME_PLACE(struct waot_nt_standard, links, FILE_STANDARD_INFORMATION, NumberOfLinks)
SAME_PLACE(struct waot_nt_standard, deleting, FILE_STANDARD_INFORMATION, DeletePending)
SAME_PLACE(struct waot_nt_standard, directory, FILE_STANDARD_INFORMATION, Directory)

SAME_SIZE(struct waot_nt_attribute_tag, FILE_ATTRIBUTE_TAG_INFORMATION)
SAME_PLACE(struct waot_nt_attribute_tag, tag, FILE_ATTRIBUTE_TAG_INFORMATION, ReparseTag)

SAME_SIZE(struct waot_nt_pipe, FILE_PIPE_LOCAL_INFORMATION)
SAME_PLACE(struct waot_nt_pipe, readable, FILE_PIPE_LOCAL_INFORMATION, ReadDataAvailable)
SAME_PLACE(struct waot_nt_pipe, writable, FILE_PIPE_LOCAL_INFORMATION, WriteQuotaAvailable)
SAME_PLACE(struct waot_nt_pipe, state, FILE_PIPE_LOCAL_INFORMATION, NamedPipeState)

SAME_PLACE(struct waot_nt_rename, directory, FILE_RENAME_INFORMATION, RootDirectory)
SAME_PLACE(struct waot_nt_rename, name_size, FILE_RENAME_INFORMATION, FileNameLength)
SAME_PLACE(struct waot_nt_rename, name, FILE_RENAME_INFORMATION, FileName)
SAME_PLACE(struct waot_nt_rename, directory, FILE_LINK_INFORMATION, RootDirectory)
SAME_PLACE(struct waot_nt_rename, name_size, FILE_LINK_INFORMATION, FileNameLength)
SAME_PLACE(struct waot_nt_rename, name, FILE_LINK_INFORMATION, FileName)

SAME_PLACE(struct waot_nt_entry, created, FILE_ID_BOTH_DIRECTORY_INFORMATION, CreationTime)
SAME_PLACE(struct waot_nt_entry, size, FILE_ID_BOTH_DIRECTORY_INFORMATION, EndOfFile)
SAME_PLACE(struct waot_nt_entry, attributes, FILE_ID_BOTH_DIRECTORY_INFORMATION, FileAttributes)
SAME_PLACE(struct waot_nt_entry, name_size, FILE_ID_BOTH_DIRECTORY_INFORMATION, FileNameLength)
SAME_PLACE(struct waot_nt_entry, tag, FILE_ID_BOTH_DIRECTORY_INFORMATION, EaSize)
SAME_PLACE(struct waot_nt_entry, short_size, FILE_ID_BOTH_DIRECTORY_INFORMATION, ShortNameLength)
SAME_PLACE(struct waot_nt_entry, short_name, FILE_ID_BOTH_DIRECTORY_INFORMATION, ShortName)
SAME_PLACE(struct waot_nt_entry, inode, FILE_ID_BOTH_DIRECTORY_INFORMATION, FileId)
SAME_PLACE(struct waot_nt_entry, name, FILE_ID_BOTH_DIRECTORY_INFORMATION, FileName)

/* ---------------------------------------------------------------- numbers */

SAME(FILE_OPEN, WAOT_NT_OPEN)
SAME(FILE_CREATE, WAOT_NT_CREATE)
SAME(FILE_OPEN_IF, WAOT_NT_OPEN_IF)
SAME(FILE_CREATED, WAOT_NT_CREATED)
SAME(OBJ_CASE_INSENSITIVE, WAOT_NT_CASE_INSENSITIVE)
SAME(FILE_DIRECTORY_FILE, WAOT_NT_DIRECTORY_FILE)
SAME(FILE_WRITE_THROUGH, WAOT_NT_WRITE_THROUGH)
SAME(FILE_SYNCHRONOUS_IO_NONALERT, WAOT_NT_SYNCHRONOUS)
SAME(FILE_OPEN_FOR_BACKUP_INTENT, WAOT_NT_FOR_BACKUP)
SAME(FILE_OPEN_REPARSE_POINT, WAOT_NT_OPEN_REPARSE_POINT)
SAME(FileBasicInformation, WAOT_NT_BASIC)
SAME(FileStandardInformation, WAOT_NT_STANDARD)
SAME(FileAccessInformation, WAOT_NT_ACCESS)
SAME(FileRenameInformation, WAOT_NT_RENAME)
SAME(FileLinkInformation, WAOT_NT_LINK)
SAME(FileDispositionInformation, WAOT_NT_DISPOSITION)
SAME(FilePositionInformation, WAOT_NT_POSITION)
SAME(FileEndOfFileInformation, WAOT_NT_END_OF_FILE)
SAME(FilePipeLocalInformation, WAOT_NT_PIPE_LOCAL)
SAME(FileAttributeTagInformation, WAOT_NT_ATTRIBUTE_TAG)
SAME(FileIdBothDirectoryInformation, WAOT_NT_ID_BOTH_DIRECTORY)
SAME(ObjectNameInformation, WAOT_NT_OBJECT_NAME)
