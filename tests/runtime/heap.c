/* What test_heap.py runs in place of generated code: the heap used as that code does, and compared with a model of it.
 *
 * The first argument names what to do, the others are numbers. What was found is told on standard error as `name value`
 * lines; what is wrong ends the program with status 1 and its line. Addresses that must not keep anything alive are
 * held inverted.
 */
#define waot_heap waot_heap_declared /* constant in the header; here its limit is an argument */
#include "core/gc/gc.h"
#undef waot_heap
#include "core/memory.h"
#include "core/process.h"
#include "core/trap.h"

#include <stdbool.h>

int64_t waot_os_clock(uint32_t id);

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* ---------------------------------------------------------------- saying */

static void say(const char *text)
{
    size_t length = 0;
    while (text[length])
        length++;
    waot_os_report(text, length);
}

static void say_number(const char *name, uint64_t value)
{
    char digits[24];
    unsigned at = sizeof digits;
    digits[--at] = 0;
    digits[--at] = '\n';
    do
        digits[--at] = (char)('0' + value % 10);
    while (value /= 10);
    say(name);
    say(" ");
    say(digits + at);
}

static _Noreturn void wrong(const char *what, uint64_t line)
{
    say("wrong: ");
    say_number(what, line);
    waot_exit(1);
}
#define CHECK(condition) ((condition) ? (void)0 : wrong(#condition, __LINE__))

static uint64_t state = 88172645463325252u;

static uint64_t chance(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

static uint32_t below(uint64_t end)
{
    return (uint32_t)((chance() >> 11) % end);
}

static uint64_t argument(int index)
{
    uint64_t value = 0;
    if (index < waot_process.argc)
        for (const char *at = waot_process.argv[index]; *at; at++)
            value = value * 10 + (uint64_t)(*at - '0');
    return value;
}

/* ---------------------------------------------------------------- the program's types and roots */

enum { SMALL, NODE, PAIR, MIXED, WIDE, EDGE, ABOVE, BIG, LARGEST_CELL, LARGE, BYTES, WORDS, REFERENCES, VECTORS, TYPES };

static const struct waot_type types[TYPES] = {
    [SMALL] = {WAOT_TYPE_STRUCT, 12, 0, 0, 0},
    [NODE] = {WAOT_TYPE_STRUCT, 24, 0, 1, (const uint32_t[]){16}},
    [PAIR] = {WAOT_TYPE_STRUCT, 32, 0, 2, (const uint32_t[]){16, 24}},
    [MIXED] = {WAOT_TYPE_STRUCT, 48, 0, 2, (const uint32_t[]){24, 40}},
    [WIDE] = {WAOT_TYPE_STRUCT, 128, 0, 3, (const uint32_t[]){16, 64, 120}},
    [EDGE] = {WAOT_TYPE_STRUCT, 512, 0, 1, (const uint32_t[]){504}},
    [ABOVE] = {WAOT_TYPE_STRUCT, 513, 0, 2, (const uint32_t[]){16, 504}},
    [BIG] = {WAOT_TYPE_STRUCT, 5000, 0, 2, (const uint32_t[]){16, 4992}},
    [LARGEST_CELL] = {WAOT_TYPE_STRUCT, 32768, 0, 1, (const uint32_t[]){32760}},
    [LARGE] = {WAOT_TYPE_STRUCT, 140000, 0, 2, (const uint32_t[]){16, 139992}},
    [BYTES] = {WAOT_TYPE_ARRAY, 1, 8, 0, 0},
    [WORDS] = {WAOT_TYPE_ARRAY, 8, 8, 0, 0},
    [REFERENCES] = {WAOT_TYPE_ARRAY, sizeof(void *), 8, 1, 0},
    [VECTORS] = {WAOT_TYPE_ARRAY, 16, 16, 0, 0},
};

#define ROOTS 48u
#define ELEMENTS 16u
#define SLOTS 16u
static void *first_roots[ROOTS / 2], *last_roots[ROOTS / 2];
static void *elements[2];
static struct waot_table table = {elements, COUNT(elements), 1 << 20};
static struct waot_table *const tables[] = {&table};
static const struct waot_roots roots[] = {{first_roots, COUNT(first_roots)}, {last_roots, COUNT(last_roots)}};
struct waot_heap_declared waot_heap = {types, TYPES, roots, COUNT(roots), tables, COUNT(tables), 0};

/* As lowering does it. */
static inline struct waot_object *allocate(uint32_t type)
{
    uint64_t size = (types[type].size + UINT64_C(15)) & ~UINT64_C(15);
    if (size > 512)
        return waot_heap_allocate(type);
    struct waot_window *window = &waot_windows[size / 16];
    uint8_t *next = window->next + size;
    if (next > window->end)
        return waot_heap_allocate(type);
    struct waot_object *object = (struct waot_object *)window->next;
    window->next = next;
    object->type = type;
    return object;
}

static bool is_alive(uintptr_t hidden)
{
    __asm__ volatile("" : "+r"(hidden)); /* what it hides was not computed before the collection */
    uint64_t offset = ~hidden - (uintptr_t)waot_gc.base;
    return waot_gc.marks[offset >> 10] >> (offset >> 4 & 63) & 1;
}

/* What calls before left on the stack is overwritten. */
static __attribute__((noinline)) void clear_stack(void)
{
    volatile uintptr_t words[4096];
    for (size_t i = 0; i < COUNT(words); i++)
        words[i] = 0;
}

static void collect(void)
{
    clear_stack();
    waot_gc_collect();
}

/* ---------------------------------------------------------------- the model */

#define SHADOWS 60000u
#define LINKS 6u

struct shadow {
    uintptr_t hidden; /* the inverted address */
    uint32_t type, length, seed, links;
    struct {
        uint32_t slot, target;
    } link[LINKS];
    bool used, reached;
};
static struct shadow shadows[SHADOWS];
static uint32_t free_shadows[SHADOWS], free_count, pending[SHADOWS];
static uint32_t root_shadows[ROOTS + ELEMENTS + SLOTS]; /* a shadow's number and 1; 0 is null */

static uint64_t size_of(const struct shadow *shadow)
{
    const struct waot_type *type = &types[shadow->type];
    return type->kind == WAOT_TYPE_ARRAY ? type->first + (uint64_t)shadow->length * type->size : type->size;
}

static uint32_t slots_of(const struct shadow *shadow)
{
    return shadow->type == REFERENCES ? shadow->length : types[shadow->type].reference_count;
}

static void **slot_at(const struct shadow *shadow, uint32_t slot)
{
    uint64_t offset = shadow->type == REFERENCES ? 8 + sizeof(void *) * (uint64_t)slot : types[shadow->type].references[slot];
    return (void **)(~shadow->hidden + offset);
}

static uint8_t pattern(uint32_t seed, uint64_t at)
{
    return (uint8_t)((seed * 2654435761u + at * 40503u) >> 13) | 1;
}

/* Bytes that are neither header nor reference: the pattern is written into them, or compared. */
static void go_through(const struct shadow *shadow, bool write)
{
    uint8_t *at = (uint8_t *)~shadow->hidden;
    uint64_t size = size_of(shadow);
    if (shadow->type == REFERENCES)
        return;
    uint32_t next = 0;
    /* Of the large ones the ends. */
    for (uint64_t i = 8; i < size; i = i == 4096 && size > 8192 ? size - 4096 : i + 1) {
        while (next < slots_of(shadow) && types[shadow->type].references[next] + sizeof(void *) <= i)
            next++;
        if (next < slots_of(shadow) && types[shadow->type].references[next] <= i)
            continue;
        if (write) {
            CHECK(at[i] == 0);
            at[i] = pattern(shadow->seed, i);
        } else
            CHECK(at[i] == pattern(shadow->seed, i));
    }
}

static void verify_object(const struct shadow *shadow)
{
    const struct waot_object *object = (const struct waot_object *)~shadow->hidden;
    CHECK(object->type == shadow->type);
    CHECK(object->length == shadow->length);
    go_through(shadow, false);
    uint32_t found = 0;
    for (uint32_t i = 0; i < slots_of(shadow); i++)
        found += *slot_at(shadow, i) != 0;
    CHECK(found == shadow->links);
    for (uint32_t i = 0; i < shadow->links; i++)
        CHECK((uintptr_t)*slot_at(shadow, shadow->link[i].slot) == ~shadows[shadow->link[i].target].hidden);
}

/* Marks and sweeps the model; every object that it reaches is compared. */
static uint32_t verify(void)
{
    uint32_t depth = 0, reached = 0;
    for (uint32_t i = 0; i < SHADOWS; i++)
        shadows[i].reached = false;
    for (uint32_t i = 0; i < COUNT(root_shadows); i++)
        if (root_shadows[i] && !shadows[root_shadows[i] - 1].reached) {
            shadows[root_shadows[i] - 1].reached = true;
            pending[depth++] = root_shadows[i] - 1;
        }
    while (depth) {
        struct shadow *shadow = &shadows[pending[--depth]];
        reached++;
        verify_object(shadow);
        for (uint32_t i = 0; i < shadow->links; i++)
            if (!shadows[shadow->link[i].target].reached) {
                shadows[shadow->link[i].target].reached = true;
                pending[depth++] = shadow->link[i].target;
            }
    }
    free_count = 0;
    for (uint32_t i = 0; i < SHADOWS; i++) {
        shadows[i].used = shadows[i].reached;
        if (!shadows[i].used)
            free_shadows[free_count++] = i;
    }
    return reached;
}

static uint32_t make(void)
{
    uint32_t number = free_shadows[--free_count];
    struct shadow *shadow = &shadows[number];
    uint32_t kind = below(100);
    shadow->type = kind < 70 ? below(EDGE + 1) : kind < 78 ? ABOVE + below(LARGE - ABOVE + 1) : BYTES + below(4);
    shadow->length = 0;
    shadow->links = 0;
    shadow->seed = (uint32_t)chance();
    shadow->used = true;
    if (types[shadow->type].kind == WAOT_TYPE_ARRAY) {
        uint32_t scale = below(100);
        shadow->length = scale < 60 ? below(8) : scale < 90 ? below(300) : scale < 99 ? below(5000) : below(60000);
        shadow->hidden = ~(uintptr_t)waot_heap_allocate_array(shadow->type, shadow->length);
    } else {
        shadow->hidden = ~(uintptr_t)allocate(shadow->type);
    }
    CHECK((~shadow->hidden & 15) == 0);
    go_through(shadow, true);
    for (uint32_t i = 0; i < slots_of(shadow); i++)
        CHECK(!*slot_at(shadow, i));
    return number;
}

/* A reference to `to` in some object that is reached from `from`, on a random way. */
static void link_from(uint32_t from, uint32_t to)
{
    struct shadow *shadow = &shadows[from];
    for (uint32_t way = below(30); way && shadow->links && shadow->links == slots_of(shadow); way--) {
        struct shadow *next = &shadows[shadow->link[below(shadow->links)].target];
        if (slots_of(next))
            shadow = next;
    }
    if (!slots_of(shadow))
        return;
    uint32_t slot = below(slots_of(shadow)), i = 0;
    while (i < shadow->links && shadow->link[i].slot != slot)
        i++;
    /* Not too often instead of another, or little would stay alive. */
    if (i == LINKS || (i < shadow->links && chance() % 32))
        return;
    shadow->links += i == shadow->links;
    shadow->link[i].slot = slot;
    shadow->link[i].target = to;
    *slot_at(shadow, slot) = (void *)~shadows[to].hidden;
}

/* Random programs: `graph SEED STEPS MARK_STACK LEAST_BUDGET`. */
static __attribute__((noinline)) void graph(void)
{
    void *volatile slots[SLOTS] = {0};
    state += argument(2) * 0x9e3779b97f4a7c15u;
    waot_gc_tuning.mark_stack = argument(4);
    waot_gc_tuning.least_budget = argument(5);
    waot_gc_tuning.poison = 1;
    CHECK(waot_table_grow(&table, 0, ELEMENTS - 2) == 2);
    uint64_t excess = 0, reached = 0, rounds = 0;
    verify();
    make();
    if (!argument(4)) /* the least that it manages with, as if no memory could be had for more */
        waot_gc.capacity = 16;
    for (uint64_t step = argument(3); step; step--) {
        uint32_t root = below(COUNT(root_shadows));
        uint32_t what = below(100);
        if (free_count < 8) /* the model is full */
            for (uint32_t i = 0; i < COUNT(root_shadows); i += 2)
                root_shadows[i] = 0;
        if (what == 0 && chance() % 16 == 0) {
            root_shadows[root] = 0;
        } else {
            /* A new object or one from a root goes somewhere into the graph, or to a root. */
            uint32_t to = what < 95 ? make() + 1 : root_shadows[below(COUNT(root_shadows))];
            if (to && (!root_shadows[root] || chance() % 1024 == 0))
                root_shadows[root] = to;
            else if (to)
                link_from(root_shadows[root] - 1, to - 1);
        }
        /* The roots are as the model's before anything is allocated again. */
        for (uint32_t i = 0; i < COUNT(root_shadows); i++) {
            void *value = root_shadows[i] ? (void *)~shadows[root_shadows[i] - 1].hidden : 0;
            if (i < ROOTS / 2)
                first_roots[i] = value;
            else if (i < ROOTS)
                last_roots[i - ROOTS / 2] = value;
            else if (i < ROOTS + ELEMENTS)
                table.elements[i - ROOTS] = value;
            else
                slots[i - ROOTS - ELEMENTS] = value;
        }
        if (free_count < SHADOWS / 4 || below(2000) == 0)
            verify();
        if (below(3000) == 0) {
            collect();
            uint32_t live = verify();
            CHECK(waot_gc.live_objects >= live);
            excess += waot_gc.live_objects - live;
            reached += live;
            rounds++;
        }
    }
    collect();
    reached += verify();
    say_number("rounds", rounds);
    say_number("reached", reached);
    say_number("excess", excess);
    say_number("collections", waot_gc.collections);
    say_number("overflows", waot_gc.overflows);
}

/* ---------------------------------------------------------------- single properties */

#define FIELD(object, offset) (*(void **)((uint8_t *)(object) + (offset)))
#define ELEMENT(object, index) (((void **)((uint8_t *)(object) + 8))[index])

static __attribute__((noinline)) uintptr_t make_hidden(uint32_t type, uint32_t length)
{
    bool array = types[type].kind == WAOT_TYPE_ARRAY;
    return ~(uintptr_t)(array ? waot_heap_allocate_array(type, length) : allocate(type));
}

static __attribute__((noinline)) void make_cycles(uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        struct waot_object *a = allocate(PAIR);
        struct waot_object *b = allocate(PAIR);
        FIELD(a, 16) = b;
        FIELD(b, 16) = a;
        FIELD(b, 24) = b;
    }
}

static void cycles(void)
{
    waot_gc_tuning.least_budget = 1 << 30;
    make_cycles(100000);
    collect();
    say_number("live", waot_gc.live_objects);
}

/* `flat COUNT`: short-lived objects, among them a list that lives, and now and then large ones. */
static __attribute__((noinline)) void flat(void)
{
    uint64_t count = argument(2), most = 0;
    for (uint64_t i = 0; i < count; i++) {
        struct waot_object *node = allocate(NODE);
        *(uint64_t *)((uint8_t *)node + 8) = i;
        if (i % 1024 == 0) { /* the last 1000 are kept, in a ring */
            if (!first_roots[0])
                first_roots[0] = waot_heap_allocate_array(REFERENCES, 1000);
            ELEMENT(first_roots[0], i / 1024 % 1000) = node;
        }
        if (i % 4096 == 0)
            waot_heap_allocate_array(BYTES, below(200000));
        if (waot_gc.extent > most)
            most = waot_gc.extent;
    }
    for (uint64_t i = 0; i < 1000; i++) {
        struct waot_object *node = ELEMENT(first_roots[0], i);
        CHECK(node->type == NODE && *(uint64_t *)((uint8_t *)node + 8) % (1024 * 1000) == i * 1024);
    }
    say_number("extent", most);
    say_number("collections", waot_gc.collections);
}

static uint64_t resident(void)
{
    uint64_t blocks = 0;
    for (uint64_t i = 0; i < waot_gc.extent >> WAOT_GC_BLOCK_LOG2; i++)
        blocks += waot_gc.table[i].kind != WAOT_GC_FREE || !waot_gc.table[i].zero;
    return blocks << WAOT_GC_BLOCK_LOG2;
}

static __attribute__((noinline)) void make_list(uint64_t count, void **head)
{
    for (uint64_t i = 0; i < count; i++) {
        struct waot_object *node = allocate(NODE);
        FIELD(node, 16) = *head;
        *head = node;
    }
}

/* A peak, then nothing: the system has the memory back. */
static void peak(void)
{
    make_list(4000000, &first_roots[0]);
    say_number("high", resident());
    first_roots[0] = 0;
    collect();
    say_number("low", resident());
    make_list(4000000, &first_roots[0]);
    uint64_t count = 0;
    for (void *node = first_roots[0]; node; node = FIELD(node, 16))
        count++;
    CHECK(count == 4000000);
}

/* `deep COUNT MARK_STACK`: a list, and a tree of arrays, each object of which is counted after a collection. */
static void deep(void)
{
    waot_gc_tuning.mark_stack = argument(3);
    waot_gc_tuning.poison = 1;
    uint64_t count = argument(2);
    make_list(count, &first_roots[0]);
    struct waot_object *wide = first_roots[1] = waot_heap_allocate_array(REFERENCES, (uint32_t)count);
    for (uint32_t i = 0; i < count; i++) {
        struct waot_object *pair = ELEMENT(wide, i) = allocate(PAIR);
        FIELD(pair, 16) = allocate(PAIR);
        if (i % 100 == 0) {
            struct waot_object *more = waot_heap_allocate_array(REFERENCES, 300);
            FIELD(pair, 24) = more;
            for (uint32_t j = 0; j < 300; j++)
                ELEMENT(more, j) = allocate(NODE);
        }
    }
    collect();
    collect();
    uint64_t expected = count + 1 + 2 * count + (count + 99) / 100 * 301;
    CHECK(waot_gc.live_objects >= expected && waot_gc.live_objects < expected + 100);
    for (uint32_t i = 0; i < count; i++) {
        struct waot_object *pair = ELEMENT(wide, i);
        CHECK(pair->type == PAIR && ((struct waot_object *)FIELD(pair, 16))->type == PAIR);
        if (i % 100 == 0)
            for (uint32_t j = 0; j < 300; j++)
                CHECK(((struct waot_object *)ELEMENT(FIELD(pair, 24), j))->type == NODE);
    }
    uint64_t length = 0;
    for (struct waot_object *node = first_roots[0]; node; node = FIELD(node, 16), length++)
        CHECK(node->type == NODE);
    CHECK(length == count);
    say_number("overflows", waot_gc.overflows);
}

/* A word on the stack at every distance from an object: which distances keep it. */
static __attribute__((noinline)) bool keeps(uintptr_t hidden, int64_t distance)
{
    volatile uintptr_t word = ~hidden + (uintptr_t)distance;
    collect();
    bool alive = is_alive(hidden);
    (void)word;
    return alive;
}

static void interior(void)
{
    static const struct {
        uint32_t type, length;
        int64_t size;
    } cases[] = {{PAIR, 0, 32}, {BIG, 0, 5040}, {LARGE, 0, 196608}, {REFERENCES, 1, 16}, {WORDS, 7, 64},
                 {REFERENCES, 800 / sizeof(void *), 896}, {WORDS, 30000, 262144}};
    waot_gc_tuning.least_budget = 1 << 30;
    for (unsigned i = 0; i < COUNT(cases); i++)
        for (int64_t distance = -64; distance < cases[i].size + 64; distance += cases[i].size > 2000 ? 8 : 1) {
            if (distance == 80 && cases[i].size > 2000)
                distance = cases[i].size - 80;
            /* Others before and behind, which die. */
            make_hidden(cases[i].type, cases[i].length);
            uintptr_t hidden = make_hidden(cases[i].type, cases[i].length);
            make_hidden(cases[i].type, cases[i].length);
            int64_t slack = types[cases[i].type].kind == WAOT_TYPE_ARRAY ? 32 : 0;
            bool expected = distance >= -slack && distance < cases[i].size + slack;
            if (keeps(hidden, distance) != expected) {
                say_number("case", i);
                say_number("distance + 64", (uint64_t)(distance + 64));
                wrong("keeps", expected);
            }
        }
}

static __attribute__((noinline)) struct waot_object *numbered(uint64_t number)
{
    struct waot_object *object = allocate(NODE);
    *(uint64_t *)((uint8_t *)object + 8) = number;
    return object;
}

/* Registers: the only references are in as many of them as calls may preserve, while the slow path collects. */
static __attribute__((noinline)) void registers(void)
{
    waot_gc_tuning.poison = 1;
    waot_gc_tuning.least_budget = 1 << 16;
    struct waot_object *a = numbered(0), *b = numbered(1), *c = numbered(2), *d = numbered(3), *e = numbered(4);
    struct waot_object *f = numbered(5), *g = numbered(6), *h = numbered(7), *i = numbered(8), *j = numbered(9);
    while (waot_gc.collections < 20) {
        waot_heap_allocate(SMALL);
        __asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e));
        __asm__ volatile("" : "+r"(f), "+r"(g), "+r"(h), "+r"(i), "+r"(j));
    }
    struct waot_object *all[] = {a, b, c, d, e, f, g, h, i, j};
    for (uint64_t k = 0; k < COUNT(all); k++)
        CHECK(all[k]->type == NODE && *(uint64_t *)((uint8_t *)all[k] + 8) == k);
}

/* Words of all kinds on the stack, as a module may put them there: nothing faults, and what is alive stays as it was. */
static __attribute__((noinline)) void fake(void)
{
    waot_gc_tuning.poison = 1;
    make_list(1000, &first_roots[0]);
    for (uint32_t i = 0; i < 500; i++)
        make_hidden(below(TYPES), below(9000));
    volatile uintptr_t words[512];
    for (unsigned round = 0; round < 300; round++) {
        for (unsigned i = 0; i < COUNT(words); i++) {
            uintptr_t start = (uintptr_t)waot_gc.regions[below(4)].base;
            uintptr_t end = (uintptr_t)waot_gc.base + waot_gc.extent;
            switch (below(6)) {
            case 0: words[i] = chance(); break;
            case 1: words[i] = chance() >> below(64); break;
            case 2: words[i] = start + below(1 << 20) - (1 << 19); break;
            case 3: words[i] = end + below(256) - 128; break;
            case 4: words[i] = (uintptr_t)waot_gc.base + below(waot_gc.extent); break;
            default: words[i] = (uintptr_t)waot_gc.base + (uintptr_t)below(256) - 128; break;
            }
        }
        for (uint32_t i = 0; i < 20; i++)
            make_hidden(below(TYPES), below(9000));
        waot_gc_collect();
        uint64_t length = 0;
        for (struct waot_object *node = first_roots[0]; node; node = FIELD(node, 16), length++)
            CHECK(node->type == NODE);
        CHECK(length == 1000);
    }
    say_number("extent", waot_gc.extent);
}

/* Values that are no objects, in roots, tables and fields. */
static void values(void)
{
    struct waot_object *array = first_roots[0] = waot_heap_allocate_array(REFERENCES, 64);
    for (uint32_t i = 0; i < 64; i++) {
        uintptr_t near = (uintptr_t)waot_gc.base + below(1 << 16);
        uintptr_t value = i % 4 == 0 ? (near | 1) : i % 4 == 1 ? (near & ~(uintptr_t)3) | 2
                        : i % 4 == 2 ? (uintptr_t)&types[i % TYPES] : (chance() << 1 | 1);
        ELEMENT(array, i) = (void *)value;
        last_roots[i % COUNT(last_roots)] = (void *)value;
        elements[i % 2] = (void *)value;
    }
    for (unsigned i = 0; i < 10; i++)
        collect();
    CHECK(array->length == 64 && is_alive(~(uintptr_t)array));
    CHECK(waot_gc.live_objects == 1);
}

/* `limit BYTES TYPE LENGTH STEP`: allocates that until the end, and says how far it came. */
static void limit(void)
{
    waot_heap.limit = argument(2);
    uint32_t type = (uint32_t)argument(3), length = (uint32_t)argument(4);
    bool is_array = types[type].kind == WAOT_TYPE_ARRAY;
    struct waot_object *last = 0;
    for (uint64_t count = 0;; count++) {
        if (count % argument(5) == 0)
            say_number("allocated", count);
        struct waot_object *link = allocate(PAIR);
        FIELD(link, 16) = last;
        FIELD(link, 24) = is_array ? waot_heap_allocate_array(type, length) : allocate(type);
        first_roots[0] = last = link;
    }
}

/* `below_limit BYTES COUNT`: garbage where three quarters of the limit are alive. */
static void below_limit(void)
{
    waot_heap.limit = argument(2);
    make_list(argument(2) / 43, &first_roots[0]);
    for (uint64_t i = 0; i < argument(3); i++) {
        allocate(NODE);
        if (i % 1000 == 0)
            waot_heap_allocate_array(BYTES, (uint32_t)(argument(2) / 16));
    }
    uint64_t length = 0;
    for (struct waot_object *node = first_roots[0]; node; node = FIELD(node, 16), length++)
        CHECK(node->type == NODE);
    CHECK(length == argument(2) / 43);
    say_number("used", waot_gc.used);
    say_number("collections", waot_gc.collections);
}

/* `array TYPE LENGTH LIMIT`: one, with its ends written. */
static void array(void)
{
    waot_heap.limit = argument(4);
    struct waot_object *object = waot_heap_allocate_array((uint32_t)argument(2), (uint32_t)argument(3));
    uint8_t *at = (uint8_t *)object + types[object->type].first;
    uint64_t size = (uint64_t)object->length * types[object->type].size;
    CHECK(at[0] == 0 && at[size - 1] == 0);
    at[0] = at[size - 1] = 1;
    collect();
    CHECK(at[0] == 1 && at[size - 1] == 1);
    say_number("length", object->length);
}

/* An object's memory is found again after it died, by the same class and by others. */
static __attribute__((noinline)) void reuse(void)
{
    for (unsigned round = 0; round < 40; round++) {
        for (uint32_t type = 0; type < TYPES; type++)
            for (uint32_t i = 0; i < 200; i++)
                make_hidden(type, 50 * i);
        collect();
        say_number("extent", waot_gc.extent);
    }
}

/* Recursion that allocates at every depth, to the end of the stack. */
static __attribute__((noinline)) void *recurse(void *before)
{
    void *volatile frame[4] = {before, allocate(NODE)};
    FIELD(frame[1], 16) = before;
    if (waot_process.argc) /* always */
        frame[2] = recurse(frame[1]);
    return frame[0];
}

static void exhaust(void)
{
    waot_gc_tuning.least_budget = 0;
    recurse(0);
}

/* The limit is full of what is alive, and each step frees one object: no way to go on. */
static void thrash(void)
{
    waot_heap.limit = 1 << 20;
    make_list((1 << 20) / 32, &first_roots[0]);
    for (;;) {
        first_roots[0] = FIELD(first_roots[0], 16);
        make_list(1, &first_roots[0]);
    }
}

/* Too little stack is left for a collection, though not for what is called here. */
static void short_of_stack(void)
{
    allocate(NODE);
    waot_stack.low = (uintptr_t)__builtin_frame_address(0) - 2048;
    allocate(WIDE);
}

/* `space LIMIT`: the heap is there, and others find address space too. */
static void space(void)
{
    waot_heap.limit = argument(2);
    make_cycles(1000);
    CHECK(waot_os_allocate_pages(4 << 20));
}

/* ---------------------------------------------------------------- how fast: for people, no test asserts a time */

static void tell_time(const char *what, uint64_t count, int64_t start)
{
    int64_t ns = waot_os_clock(2) - start;
    say(what);
    say_number(": millions a second", count * 1000 / (uint64_t)(ns + 1));
    say_number("    ns in all", (uint64_t)ns);
}

/* `speed LEAST_BUDGET` */
static __attribute__((noinline)) void speed(void)
{
    if (argument(2))
        waot_gc_tuning.least_budget = argument(2);
    int64_t start = waot_os_clock(2);
    for (uint64_t i = 0; i < 200000000; i++)
        *(volatile uint64_t *)((uint8_t *)allocate(NODE) + 8) = i;
    tell_time("objects of 24 bytes, dead at once", 200000000, start);
    say_number("collections", waot_gc.collections);
    start = waot_os_clock(2);
    for (uint64_t i = 0; i < 20000000; i++)
        *(volatile uint64_t *)((uint8_t *)waot_heap_allocate_array(WORDS, i & 15) + 8) = i;
    tell_time("arrays of 0 to 15 words, dead at once", 20000000, start);

    waot_gc_tuning.least_budget = UINT64_C(16) << 30;
    collect();
    make_list(32000000, &first_roots[0]);
    first_roots[0] = 0;
    start = waot_os_clock(2);
    collect();
    tell_time("collection of 32 M dead objects (1 GB)", 32000000, start);
    make_list(8000000, &first_roots[0]);
    start = waot_os_clock(2);
    collect();
    tell_time("collection of 8 M live objects in a list", 8000000, start);
    first_roots[0] = waot_heap_allocate_array(REFERENCES, 4000000);
    for (uint32_t i = 0; i < 4000000; i++)
        ELEMENT(first_roots[0], i) = allocate(PAIR);
    for (uint32_t i = 0; i < 4000000; i++)
        for (uint32_t j = 0; j < 2; j++)
            FIELD(ELEMENT(first_roots[0], i), 16 + 8 * j) = ELEMENT(first_roots[0], below(4000000));
    start = waot_os_clock(2);
    collect();
    tell_time("collection of 4 M live objects at random", 4000000, start);
    /* Every second object dies: windows of one object each. */
    for (uint32_t i = 0; i < 4000000; i++) {
        FIELD(ELEMENT(first_roots[0], i), 16) = FIELD(ELEMENT(first_roots[0], i), 24) = 0;
        if (i % 2)
            ELEMENT(first_roots[0], i) = 0;
    }
    collect();
    start = waot_os_clock(2);
    for (uint64_t i = 0; i < 2000000; i++)
        allocate(PAIR);
    tell_time("objects of 32 bytes in gaps of 32", 2000000, start);
}

static const struct {
    const char *name;
    void (*run)(void);
} commands[] = {
    {"graph", graph}, {"cycles", cycles}, {"flat", flat}, {"peak", peak}, {"deep", deep}, {"interior", interior},
    {"registers", registers}, {"fake", fake}, {"values", values}, {"limit", limit}, {"below_limit", below_limit},
    {"array", array}, {"reuse", reuse}, {"exhaust", exhaust}, {"thrash", thrash}, {"short_of_stack", short_of_stack},
    {"space", space}, {"speed", speed},
};

void test_main(void)
{
    const char *name = waot_process.argc > 1 ? waot_process.argv[1] : "";
    for (unsigned i = 0; i < COUNT(commands); i++) {
        const char *a = commands[i].name, *b = name;
        while (*a && *a == *b)
            a++, b++;
        if (*a == *b) {
            commands[i].run();
            return;
        }
    }
    wrong("command", 0);
}
