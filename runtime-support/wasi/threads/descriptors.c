/* The descriptor table of a program with threads.
 *
 * A number stands for an object. Whoever looks one up keeps it, through the import that does so, until that returns
 * (waot_wasi_leave): closing takes the object out of the table, and what it stands for is closed when the last of those
 * inside has left. So the kernel never gives a handle anew while a call is about to use it, and nobody who has checked
 * a descriptor acts on another one that has got its number since.
 */
#include "../../core/lock.h"
#include "../wasi.h"

struct waot_wasi_object {
    struct waot_wasi_descriptor descriptor; /* first: pointers to it are pointers to the object */
    uint32_t users;                         /* calls inside, and one for the table */
    struct waot_wasi_object *next;          /* of those that are spare */
};

enum { WAOT_WASI_FIRST_OBJECTS = 16, WAOT_WASI_OBJECT_PAGES = 16384, WAOT_WASI_FEW_HELD = 4 };

static struct {
    uint32_t lock;
    uint32_t capacity;
    uint32_t lowest; /* no free number stands below this one, except standard streams */
    struct waot_wasi_object **objects; /* by number; null where none is open */
    struct waot_wasi_object *spare;
    struct waot_wasi_object *first[WAOT_WASI_FIRST_OBJECTS];
    struct waot_wasi_object standard[3];
} waot_wasi_objects;

/* What the call that this thread is in has looked up. */
static WAOT_THREAD_LOCAL struct {
    struct waot_wasi_object **objects;
    uint32_t count, capacity;
    struct waot_wasi_object *few[WAOT_WASI_FEW_HELD];
} waot_wasi_held;

void waot_wasi_share_standard(void)
{
    waot_wasi_objects.objects = waot_wasi_objects.first;
    waot_wasi_objects.capacity = WAOT_WASI_FIRST_OBJECTS;
    waot_wasi_objects.lowest = 3;
    for (uint32_t fd = 0; fd < 3; fd++) {
        waot_wasi_objects.standard[fd] = (struct waot_wasi_object){waot_wasi_state.first[fd], 1, NULL};
        waot_wasi_objects.first[fd] = &waot_wasi_objects.standard[fd];
    }
}

/* Room for one more among what is held; poll_oneoff may look up any number. */
static bool waot_wasi_room_to_hold(void)
{
    if (waot_wasi_held.capacity == 0) {
        waot_wasi_held.objects = waot_wasi_held.few;
        waot_wasi_held.capacity = WAOT_WASI_FEW_HELD;
    }
    if (waot_wasi_held.count < waot_wasi_held.capacity)
        return true;
    size_t size = waot_wasi_held.capacity * sizeof(struct waot_wasi_object *);
    struct waot_wasi_object **objects = waot_os_allocate_pages(2 * size);
    if (objects == NULL)
        return false;
    __builtin_memcpy(objects, waot_wasi_held.objects, size);
    if (waot_wasi_held.objects != waot_wasi_held.few)
        waot_os_free_pages(waot_wasi_held.objects, size);
    waot_wasi_held.objects = objects;
    waot_wasi_held.capacity *= 2;
    return true;
}

struct waot_wasi_descriptor *waot_wasi_shared_find(uint32_t fd)
{
    if (!waot_wasi_room_to_hold())
        return NULL;
    struct waot_wasi_object *object = NULL;
    waot_lock(&waot_wasi_objects.lock);
    if (fd < waot_wasi_objects.capacity)
        object = waot_wasi_objects.objects[fd];
    if (object != NULL)
        object->users++;
    waot_unlock(&waot_wasi_objects.lock);
    if (object == NULL)
        return NULL;
    waot_wasi_held.objects[waot_wasi_held.count++] = object;
    return &object->descriptor;
}

/* With the lock held, ends one use: whether it was the last. */
static bool waot_wasi_was_last(struct waot_wasi_object *object)
{
    return --object->users == 0;
}

/* Closes what an object without users stands for. */
static int64_t waot_wasi_end(struct waot_wasi_object *object)
{
    int64_t result = waot_wasi_close(&object->descriptor);
    waot_lock(&waot_wasi_objects.lock);
    object->next = waot_wasi_objects.spare;
    waot_wasi_objects.spare = object;
    waot_unlock(&waot_wasi_objects.lock);
    return result;
}

void waot_wasi_leave(void)
{
    while (waot_wasi_held.count > 0) {
        struct waot_wasi_object *object = waot_wasi_held.objects[--waot_wasi_held.count];
        waot_lock(&waot_wasi_objects.lock);
        bool last = waot_wasi_was_last(object);
        waot_unlock(&waot_wasi_objects.lock);
        if (last)
            waot_wasi_end(object);
    }
    if (waot_wasi_held.objects != waot_wasi_held.few && waot_wasi_held.capacity > 0) {
        waot_os_free_pages(waot_wasi_held.objects, waot_wasi_held.capacity * sizeof(struct waot_wasi_object *));
        waot_wasi_held.capacity = 0;
    }
}

/* ---------------------------------------------------------------- with the lock held */

/* An errno. Numbers stay below 2**31 (witx, path_open). */
static uint32_t waot_wasi_more_numbers(void)
{
    if (waot_wasi_objects.capacity >= UINT32_C(1) << 30)
        return WAOT_WASI_NFILE;
    size_t size = waot_wasi_objects.capacity * sizeof(struct waot_wasi_object *);
    struct waot_wasi_object **objects = waot_os_allocate_pages(2 * size);
    if (objects == NULL)
        return WAOT_WASI_NOMEM;
    __builtin_memcpy(objects, waot_wasi_objects.objects, size);
    if (waot_wasi_objects.objects != waot_wasi_objects.first)
        waot_os_free_pages(waot_wasi_objects.objects, size);
    waot_wasi_objects.objects = objects;
    waot_wasi_objects.capacity *= 2;
    return WAOT_WASI_SUCCESS;
}

static struct waot_wasi_object *waot_wasi_spare_object(void)
{
    if (waot_wasi_objects.spare == NULL) {
        struct waot_wasi_object *more = waot_os_allocate_pages(WAOT_WASI_OBJECT_PAGES);
        if (more == NULL)
            return NULL;
        for (size_t i = 0; i < WAOT_WASI_OBJECT_PAGES / sizeof *more; i++) {
            more[i].next = waot_wasi_objects.spare;
            waot_wasi_objects.spare = &more[i];
        }
    }
    struct waot_wasi_object *object = waot_wasi_objects.spare;
    waot_wasi_objects.spare = object->next;
    return object;
}

/* The number that the object gets, or minus an errno. */
static int64_t waot_wasi_number(const struct waot_wasi_descriptor *descriptor)
{
    uint32_t fd = waot_wasi_objects.lowest;
    while (fd < waot_wasi_objects.capacity && waot_wasi_objects.objects[fd] != NULL)
        fd++;
    uint32_t error = fd == waot_wasi_objects.capacity ? waot_wasi_more_numbers() : (uint32_t)WAOT_WASI_SUCCESS;
    if (error != WAOT_WASI_SUCCESS)
        return -(int64_t)error;
    struct waot_wasi_object *object = waot_wasi_spare_object();
    if (object == NULL)
        return -WAOT_WASI_NOMEM;
    *object = (struct waot_wasi_object){*descriptor, 1, NULL};
    waot_wasi_objects.objects[fd] = object;
    waot_wasi_objects.lowest = fd + 1;
    return fd;
}

/* Takes what is open at a number out of the table; null if nothing is. */
static struct waot_wasi_object *waot_wasi_take_out(uint32_t fd)
{
    if (fd >= waot_wasi_objects.capacity || waot_wasi_objects.objects[fd] == NULL)
        return NULL;
    struct waot_wasi_object *object = waot_wasi_objects.objects[fd];
    waot_wasi_objects.objects[fd] = NULL;
    if (fd > 2 && fd < waot_wasi_objects.lowest)
        waot_wasi_objects.lowest = fd;
    return object;
}

/* ---------------------------------------------------------------- what descriptor.c does with the table */

int64_t waot_wasi_shared_enter(const struct waot_wasi_descriptor *descriptor)
{
    waot_lock(&waot_wasi_objects.lock);
    int64_t fd = waot_wasi_number(descriptor);
    waot_unlock(&waot_wasi_objects.lock);
    if (fd < 0)
        waot_wasi_close(descriptor);
    return fd;
}

/* An error of closing is told where this is the last use. */
uint32_t waot_wasi_shared_close(uint32_t fd)
{
    waot_lock(&waot_wasi_objects.lock);
    struct waot_wasi_object *object = waot_wasi_take_out(fd);
    bool last = object != NULL && waot_wasi_was_last(object);
    waot_unlock(&waot_wasi_objects.lock);
    if (object == NULL)
        return WAOT_WASI_BADF;
    return last ? waot_wasi_result(waot_wasi_end(object)) : WAOT_WASI_SUCCESS;
}

uint32_t waot_wasi_shared_renumber(uint32_t fd, uint32_t to)
{
    waot_lock(&waot_wasi_objects.lock);
    bool open = fd < waot_wasi_objects.capacity && to < waot_wasi_objects.capacity &&
                waot_wasi_objects.objects[fd] != NULL && waot_wasi_objects.objects[to] != NULL;
    struct waot_wasi_object *closed = NULL;
    if (open && fd != to) {
        struct waot_wasi_object *target = waot_wasi_objects.objects[to];
        waot_wasi_objects.objects[to] = waot_wasi_take_out(fd);
        if (waot_wasi_was_last(target))
            closed = target;
    }
    waot_unlock(&waot_wasi_objects.lock);
    if (closed != NULL)
        waot_wasi_end(closed);
    return open ? WAOT_WASI_SUCCESS : WAOT_WASI_BADF;
}
