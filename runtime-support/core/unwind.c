/* Call frame information: DWARF 4 section 6.4, in the form of .eh_frame (Linux Standard Base core 5.0, 10.6).
 *
 * A frame is unwound by running the instructions of the CIE and then of the FDE that covers the program counter up to
 * that address. They leave a rule for the canonical frame address (register + offset) and one for each saved register.
 * DWARF expressions do not occur in code of ours; anything unknown ends the walk. Every record is read through a cursor
 * that knows its end, and saved registers only from the wasm stack, so nothing here can fault.
 */
#include "unwind.h"

#include "../include/waot_abi.h"
#include "cursor.h"
#include "process.h"
#include "registers.h"

#define DW_EH_PE_OMIT 0xff
#define DW_EH_PE_PCREL 0x10

/* A pointer in encoding `encoding`: its low half the format, its high half what it is relative to. */
static uintptr_t waot_read_encoded(struct waot_cursor *cursor, unsigned encoding)
{
    uintptr_t place = (uintptr_t)cursor->at;
    uintptr_t value;
    switch (encoding & 0x0f) {
    case 0x00: /* absptr */
        value = sizeof(uintptr_t) == 8 ? (uintptr_t)waot_read_u64(cursor) : waot_read_u32(cursor);
        break;
    case 0x03: /* udata4 */
        value = waot_read_u32(cursor);
        break;
    case 0x0b: /* sdata4 */
        value = (uintptr_t)(intptr_t)(int32_t)waot_read_u32(cursor);
        break;
    case 0x04: /* udata8 */
    case 0x0c: /* sdata8 */
        value = (uintptr_t)waot_read_u64(cursor);
        break;
    default:
        cursor->failed = 1;
        return 0;
    }
    switch (encoding & 0xf0) {
    case 0x00:
        return value;
    case DW_EH_PE_PCREL:
        return value + place;
    default:
        cursor->failed = 1;
        return 0;
    }
}

struct waot_cie {
    uint64_t code_alignment;
    int64_t data_alignment;
    uint64_t return_register;
    unsigned encoding;         /* of addresses in its FDEs */
    int augmented;             /* its FDEs carry augmentation data */
    struct waot_cursor code; /* initial instructions */
};

/* One record of .eh_frame, `record` set to what follows its length; 0 at the end of the section. */
static int waot_next_record(struct waot_cursor *section, struct waot_cursor *record)
{
    while (section->at < section->end) {
        uint64_t length = waot_read_u32(section);
        if (length == 0xffffffff)
            length = waot_read_u64(section);
        if (section->failed || length > (uint64_t)(section->end - section->at))
            return 0;
        record->at = section->at;
        record->end = section->at + length;
        record->failed = 0;
        section->at += length;
        if (length) /* 0 ends the list in crtend.o; ours may be followed by more */
            return 1;
    }
    return 0;
}

static int waot_read_cie(const unsigned char *at, struct waot_cie *cie)
{
    struct waot_cursor section = {at, waot_eh_frame_end, 0};
    struct waot_cursor record;
    if (at < waot_eh_frame_start || at >= waot_eh_frame_end || !waot_next_record(&section, &record))
        return 0;
    if (waot_read_u32(&record) != 0) /* 0 says that it is a CIE */
        return 0;
    unsigned version = waot_read_u8(&record);
    if (version != 1 && version != 3)
        return 0;
    const unsigned char *augmentation = record.at;
    while (waot_read_u8(&record) && !record.failed) {
    }
    cie->code_alignment = waot_read_uleb(&record);
    cie->data_alignment = waot_read_sleb(&record);
    cie->return_register = version == 1 ? waot_read_u8(&record) : waot_read_uleb(&record);
    cie->encoding = 0;
    cie->augmented = *augmentation == 'z';
    if (cie->augmented) {
        uint64_t length = waot_read_uleb(&record);
        struct waot_cursor data = record;
        waot_skip(&record, length);
        if (record.failed)
            return 0;
        data.end = record.at;
        for (const unsigned char *letter = augmentation + 1; *letter; letter++) {
            if (*letter == 'R')
                cie->encoding = waot_read_u8(&data);
            else if (*letter == 'L')
                waot_read_u8(&data);
            else if (*letter == 'P') {
                unsigned encoding = waot_read_u8(&data);
                if (encoding != DW_EH_PE_OMIT)
                    waot_read_encoded(&data, encoding & 0x0f);
            } else if (*letter != 'S' && *letter != 'B')
                return 0;
        }
        if (data.failed)
            return 0;
    } else if (*augmentation)
        return 0;
    cie->code = record;
    return !record.failed;
}

/* Reads an FDE's head: its CIE and range; `record` is left at its instructions. 0 for a CIE or anything unknown. */
static int waot_read_fde(struct waot_cursor *record, struct waot_cie *cie, struct waot_fde *fde)
{
    const unsigned char *place = record->at;
    uint32_t back = waot_read_u32(record);
    if (!back || record->failed || back > (size_t)(place - waot_eh_frame_start))
        return 0;
    if (!waot_read_cie(place - back, cie))
        return 0;
    fde->at = place;
    fde->start = waot_read_encoded(record, cie->encoding);
    fde->end = fde->start + waot_read_encoded(record, cie->encoding & 0x0f);
    if (cie->augmented)
        waot_skip(record, waot_read_uleb(record));
    return !record->failed && fde->start < fde->end;
}

int waot_unwind_locate(struct waot_unwinder *unwinder)
{
    uintptr_t pc = unwinder->registers.pc - !unwinder->exact;
    struct waot_fde *cached = &unwinder->cache[(pc ^ pc >> 7) % WAOT_UNWIND_CACHE];
    if (cached->at && pc >= cached->start && pc < cached->end) {
        unwinder->fde = *cached;
        return 1;
    }
    struct waot_cursor section = {waot_eh_frame_start, waot_eh_frame_end, 0};
    struct waot_cursor record;
    while (waot_next_record(&section, &record)) {
        struct waot_cie cie;
        const unsigned char *place = record.at;
        if (!waot_read_fde(&record, &cie, &unwinder->fde))
            continue;
        if (pc >= unwinder->fde.start && pc < unwinder->fde.end) {
            unwinder->fde.at = place;
            *cached = unwinder->fde;
            return 1;
        }
    }
    unwinder->fde.at = 0;
    return 0;
}

enum waot_rule_kind { RULE_SAME, RULE_UNDEFINED, RULE_OFFSET, RULE_VALUE, RULE_REGISTER };

struct waot_rules {
    int64_t cfa_offset;
    uint64_t cfa_register;
    int64_t value[WAOT_REGISTERS]; /* offset from the CFA, or a register */
    uint8_t kind[WAOT_REGISTERS];
};

#define WAOT_REMEMBERED 4

/* Vector registers have rules too, with numbers above ours; a walk does not need them. */
static void waot_set_rule(struct waot_rules *rules, uint64_t which, enum waot_rule_kind kind, int64_t value)
{
    if (which < WAOT_REGISTERS) {
        rules->kind[which] = (uint8_t)kind;
        rules->value[which] = value;
    }
}

static void waot_restore_rule(struct waot_rules *rules, const struct waot_rules *initial, uint64_t which)
{
    if (which < WAOT_REGISTERS) {
        rules->kind[which] = initial->kind[which];
        rules->value[which] = initial->value[which];
    }
}

/* Runs `code` for addresses from `location` up to and with `pc`; 0 where it is not understood. DWARF 4, 6.4.2. */
static int waot_run_cfa(struct waot_cursor code, const struct waot_cie *cie, struct waot_rules *rules,
                        const struct waot_rules *initial, uintptr_t location, uintptr_t pc)
{
    struct waot_rules remembered[WAOT_REMEMBERED];
    int depth = 0;
    while (code.at < code.end && !code.failed) {
        unsigned byte = waot_read_u8(&code);
        unsigned low = byte & 0x3f;
        uintptr_t advance = 0;
        uint64_t which;
        switch (byte & 0xc0) {
        case 0x40: /* DW_CFA_advance_loc */
            advance = low;
            break;
        case 0x80: /* DW_CFA_offset */
            waot_set_rule(rules, low, RULE_OFFSET, (int64_t)waot_read_uleb(&code) * cie->data_alignment);
            continue;
        case 0xc0: /* DW_CFA_restore */
            waot_restore_rule(rules, initial, low);
            continue;
        default:
            switch (low) {
            case 0x00: /* DW_CFA_nop */
                continue;
            case 0x01: { /* DW_CFA_set_loc */
                uintptr_t to = waot_read_encoded(&code, cie->encoding);
                if (to > pc || code.failed)
                    return !code.failed;
                location = to;
                continue;
            }
            case 0x02: /* DW_CFA_advance_loc1 */
                advance = waot_read_u8(&code);
                break;
            case 0x03: /* DW_CFA_advance_loc2 */
                advance = waot_read_u16(&code);
                break;
            case 0x04: /* DW_CFA_advance_loc4 */
                advance = waot_read_u32(&code);
                break;
            case 0x05: /* DW_CFA_offset_extended */
                which = waot_read_uleb(&code);
                waot_set_rule(rules, which, RULE_OFFSET, (int64_t)waot_read_uleb(&code) * cie->data_alignment);
                continue;
            case 0x06: /* DW_CFA_restore_extended */
                waot_restore_rule(rules, initial, waot_read_uleb(&code));
                continue;
            case 0x07: /* DW_CFA_undefined */
                waot_set_rule(rules, waot_read_uleb(&code), RULE_UNDEFINED, 0);
                continue;
            case 0x08: /* DW_CFA_same_value */
                waot_set_rule(rules, waot_read_uleb(&code), RULE_SAME, 0);
                continue;
            case 0x09: /* DW_CFA_register */
                which = waot_read_uleb(&code);
                waot_set_rule(rules, which, RULE_REGISTER, (int64_t)waot_read_uleb(&code));
                continue;
            case 0x0a: /* DW_CFA_remember_state */
                if (depth == WAOT_REMEMBERED)
                    return 0;
                remembered[depth++] = *rules;
                continue;
            case 0x0b: /* DW_CFA_restore_state */
                if (!depth)
                    return 0;
                *rules = remembered[--depth];
                continue;
            case 0x0c: /* DW_CFA_def_cfa */
                rules->cfa_register = waot_read_uleb(&code);
                rules->cfa_offset = (int64_t)waot_read_uleb(&code);
                continue;
            case 0x0d: /* DW_CFA_def_cfa_register */
                rules->cfa_register = waot_read_uleb(&code);
                continue;
            case 0x0e: /* DW_CFA_def_cfa_offset */
                rules->cfa_offset = (int64_t)waot_read_uleb(&code);
                continue;
            case 0x11: /* DW_CFA_offset_extended_sf */
                which = waot_read_uleb(&code);
                waot_set_rule(rules, which, RULE_OFFSET, waot_read_sleb(&code) * cie->data_alignment);
                continue;
            case 0x12: /* DW_CFA_def_cfa_sf */
                rules->cfa_register = waot_read_uleb(&code);
                rules->cfa_offset = waot_read_sleb(&code) * cie->data_alignment;
                continue;
            case 0x13: /* DW_CFA_def_cfa_offset_sf */
                rules->cfa_offset = waot_read_sleb(&code) * cie->data_alignment;
                continue;
            case 0x14: /* DW_CFA_val_offset */
                which = waot_read_uleb(&code);
                waot_set_rule(rules, which, RULE_VALUE, (int64_t)waot_read_uleb(&code) * cie->data_alignment);
                continue;
            case 0x2e: /* DW_CFA_GNU_args_size */
                waot_read_uleb(&code);
                continue;
            default: /* expressions and what we do not know */
                return 0;
            }
        }
        location += advance * cie->code_alignment;
        if (location > pc)
            return !code.failed;
    }
    return !code.failed;
}

/* A word that a frame saved; frames lie on the wasm stack and nowhere else. */
static int waot_read_stack(uintptr_t at, uintptr_t *value)
{
    if (at < waot_stack.low || at > waot_stack.high - sizeof *value || at % sizeof *value)
        return 0;
    *value = *(const uintptr_t *)at;
    return 1;
}

int waot_unwind_step(struct waot_unwinder *unwinder)
{
    struct waot_cursor section = {unwinder->fde.at, waot_eh_frame_end, 0};
    struct waot_cie cie;
    struct waot_fde fde;
    if (!unwinder->fde.at)
        return 0;
    if (unwinder->exact == WAOT_UNFRAMED) {
        unwinder->exact = 0;
        unwinder->registers.pc = unwinder->registers.r[WAOT_REGISTER_RETURN];
        return unwinder->registers.pc != 0;
    }
    /* fde.at is past the length, which is the four bytes before it: a record longer than 4 GiB is not ours. */
    section.at -= 4;
    struct waot_cursor record;
    if (!waot_next_record(&section, &record) || !waot_read_fde(&record, &cie, &fde))
        return 0;

    struct waot_rules rules = {0};
    uintptr_t pc = unwinder->registers.pc - !unwinder->exact;
    if (!waot_run_cfa(cie.code, &cie, &rules, &rules, 0, UINTPTR_MAX))
        return 0;
    struct waot_rules initial = rules;
    if (!waot_run_cfa(record, &cie, &rules, &initial, fde.start, pc))
        return 0;
    if (rules.cfa_register >= WAOT_REGISTERS || cie.return_register >= WAOT_REGISTERS)
        return 0;

    const struct waot_registers old = unwinder->registers;
    uintptr_t cfa = old.r[rules.cfa_register] + (uintptr_t)rules.cfa_offset;
    /* Stacks grow down: a caller's frame is above. Only a leaf function at a fault may have no frame of its own. */
    if (cfa < old.r[WAOT_REGISTER_SP] + !unwinder->exact || cfa > waot_stack.high)
        return 0;
    struct waot_registers *new = &unwinder->registers;
    for (unsigned i = 0; i < WAOT_REGISTERS; i++) {
        switch (rules.kind[i]) {
        case RULE_OFFSET:
            if (!waot_read_stack(cfa + (uintptr_t)rules.value[i], &new->r[i]))
                return 0;
            break;
        case RULE_VALUE:
            new->r[i] = cfa + (uintptr_t)rules.value[i];
            break;
        case RULE_REGISTER:
            if ((uint64_t)rules.value[i] >= WAOT_REGISTERS)
                return 0;
            new->r[i] = old.r[rules.value[i]];
            break;
        default:
            break;
        }
    }
    if (rules.kind[cie.return_register] == RULE_UNDEFINED)
        return 0;
    new->r[WAOT_REGISTER_SP] = cfa - WAOT_REGISTER_CFA;
    new->pc = new->r[cie.return_register];
    unwinder->exact = 0;
    return new->pc != 0;
}
