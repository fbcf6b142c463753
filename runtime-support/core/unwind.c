/* Call frame information: DWARF 4 section 6.4, in the form of .eh_frame (Linux Standard Base core 5.0, 10.6).
 *
 * A frame is unwound by running the instructions of the CIE and then of the FDE that covers the program counter up to
 * that address. They leave a rule for the canonical frame address (register + offset) and one for each saved register.
 * All records are of one maker, LLVM: what it does not write is not read, and ends the walk, as DWARF expressions do.
 * Every record is read through a cursor that knows its end, and saved registers only from the wasm stack, so nothing here
 * can fault.
 */
#include "unwind.h"

#include "../include/waot_abi.h"
#include "cursor.h"
#include "process.h"
#include "registers.h"

/* Encodings of addresses: relative to their place, in 4 bytes (ELF) or as wide as an address (Mach-O); as they are (PE). */
#define DW_EH_PE_PCREL_SDATA4 0x1b
#define DW_EH_PE_PCREL_ABSPTR 0x10
#define DW_EH_PE_ABSPTR 0x00

struct waot_cie {
    int64_t data_alignment;
    uint64_t code_alignment;
    uint64_t return_register;
    unsigned encoding;
    struct waot_cursor code; /* initial instructions */
};

/* A length, or a distance that may be negative, where an FDE has an address. */
static uintptr_t waot_read_distance(struct waot_cursor *cursor, const struct waot_cie *cie)
{
    if (sizeof(uintptr_t) == 4 || cie->encoding == DW_EH_PE_PCREL_SDATA4)
        return (uintptr_t)(intptr_t)(int32_t)waot_read_u32(cursor);
    return (uintptr_t)waot_read_u64(cursor);
}

/* One record of .eh_frame, `record` set to what follows its length; 0 at the end of the section. */
static int waot_next_record(struct waot_cursor *section, struct waot_cursor *record)
{
    while (section->at < section->end) {
        uint32_t length = waot_read_u32(section);
        record->at = section->at;
        record->failed = 0;
        waot_skip(section, length);
        record->end = section->at;
        if (section->failed)
            return 0;
        if (length) /* 0 ends the list in crtend.o; ours may be followed by more */
            return 1;
    }
    return 0;
}

/* "zR": augmentation data, of which there is the encoding of addresses. */
static int waot_read_cie(const unsigned char *at, struct waot_cie *cie)
{
    struct waot_cursor section = {at, waot_eh_frame_end, 0};
    struct waot_cursor record;
    if (!waot_next_record(&section, &record))
        return 0;
    /* Zero says that it is a CIE. */
    if (waot_read_u32(&record) != 0 || waot_read_u8(&record) != 1 || waot_read_u8(&record) != 'z' ||
        waot_read_u16(&record) != (WAOT_BIG_ENDIAN ? 'R' << 8 : 'R'))
        return 0;
    cie->code_alignment = waot_read_uleb(&record);
    cie->data_alignment = waot_read_sleb(&record);
    cie->return_register = waot_read_u8(&record);
    if (waot_read_uleb(&record) != 1)
        return 0;
    cie->encoding = waot_read_u8(&record);
    cie->code = record;
    return !record.failed && (cie->encoding == DW_EH_PE_PCREL_SDATA4 || cie->encoding == DW_EH_PE_PCREL_ABSPTR ||
                              cie->encoding == DW_EH_PE_ABSPTR);
}

/* Reads an FDE's head: its CIE and range; `record` is left at its instructions. 0 for a CIE or anything unknown. */
static int waot_read_fde(struct waot_cursor *record, struct waot_cie *cie, struct waot_fde *fde)
{
    fde->at = record->at;
    uint32_t back = waot_read_u32(record);
    if (!back || back > (size_t)(fde->at - waot_eh_frame_start) || !waot_read_cie(fde->at - back, cie))
        return 0;
    fde->start = cie->encoding == DW_EH_PE_ABSPTR ? 0 : (uintptr_t)record->at;
    fde->start += waot_read_distance(record, cie);
    fde->end = fde->start + waot_read_distance(record, cie);
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
        if (!waot_read_fde(&record, &cie, &unwinder->fde))
            continue;
        if (pc >= unwinder->fde.start && pc < unwinder->fde.end) {
            *cached = unwinder->fde;
            return 1;
        }
    }
    unwinder->fde.at = 0;
    return 0;
}

enum waot_rule_kind { RULE_SAME, RULE_UNDEFINED, RULE_OFFSET, RULE_REGISTER };

struct waot_rule {
    intptr_t value; /* offset from the CFA, or a register */
    enum waot_rule_kind kind;
};

struct waot_rules {
    intptr_t cfa_offset;
    uintptr_t cfa_register;
    /* Vector registers have rules too, with numbers above ours: the last is theirs, which a walk does not need. */
    struct waot_rule registers[WAOT_REGISTERS + 1];
};

#define WAOT_REMEMBERED 4

static uintptr_t waot_read_register(struct waot_cursor *code)
{
    uint64_t number = waot_read_uleb(code);
    return number < WAOT_REGISTERS ? (uintptr_t)number : WAOT_REGISTERS;
}

/* Runs `code` for addresses from `location` up to and with `pc`; 0 where it is not understood. DWARF 4, 6.4.2. */
static int waot_run_cfa(struct waot_cursor code, const struct waot_cie *cie, struct waot_rules *rules,
                        const struct waot_rules *initial, uintptr_t location, uintptr_t pc)
{
    struct waot_rules remembered[WAOT_REMEMBERED];
    int depth = 0;
    while (code.at < code.end && !code.failed) {
        unsigned operation = waot_read_u8(&code);
        unsigned operand = operation & 0x3f;
        struct waot_rule *rule = &rules->registers[operand < WAOT_REGISTERS ? operand : WAOT_REGISTERS];
        if (operation & 0xc0)
            operation &= 0xc0;
        else if (operation >= 0x05 && operation <= 0x09) /* the register is an operand of its own */
            rule = &rules->registers[waot_read_register(&code)];
        switch (operation) {
        case 0x00: /* DW_CFA_nop */
            continue;
        case 0x40: /* DW_CFA_advance_loc */
            break;
        case 0x02: /* DW_CFA_advance_loc1 */
        case 0x03: /* DW_CFA_advance_loc2 */
        case 0x04: /* DW_CFA_advance_loc4 */
            operand = (unsigned)waot_read_bytes(&code, 1u << (operation - 2));
            break;
        case 0x11: /* DW_CFA_offset_extended_sf */
            rule = &rules->registers[waot_read_register(&code)];
            *rule = (struct waot_rule){(intptr_t)(waot_read_sleb(&code) * cie->data_alignment), RULE_OFFSET};
            continue;
        case 0x05: /* DW_CFA_offset_extended */
        case 0x80: /* DW_CFA_offset */
            *rule = (struct waot_rule){(intptr_t)((int64_t)waot_read_uleb(&code) * cie->data_alignment), RULE_OFFSET};
            continue;
        case 0x06: /* DW_CFA_restore_extended */
        case 0xc0: /* DW_CFA_restore */
            *rule = initial->registers[rule - rules->registers];
            continue;
        case 0x07: /* DW_CFA_undefined */
            rule->kind = RULE_UNDEFINED;
            continue;
        case 0x08: /* DW_CFA_same_value */
            rule->kind = RULE_SAME;
            continue;
        case 0x09: /* DW_CFA_register */
            *rule = (struct waot_rule){(intptr_t)waot_read_register(&code), RULE_REGISTER};
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
        case 0x0d: /* DW_CFA_def_cfa_register */
            rules->cfa_register = waot_read_register(&code);
            if (operation == 0x0d)
                continue;
            /* fall through */
        case 0x0e: /* DW_CFA_def_cfa_offset */
            rules->cfa_offset = (intptr_t)waot_read_uleb(&code);
            continue;
        default: /* expressions and what we do not know */
            return 0;
        }
        location += (uintptr_t)(operand * cie->code_alignment);
        if (location > pc)
            break;
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
        unwinder->registers.pc = WAOT_CODE_ADDRESS(unwinder->registers.r[WAOT_REGISTER_RETURN]);
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
        const struct waot_rule *rule = &rules.registers[i];
        if (rule->kind == RULE_OFFSET && !waot_read_stack(cfa + (uintptr_t)rule->value, &new->r[i]))
            return 0;
        if (rule->kind == RULE_REGISTER) {
            if (rule->value == WAOT_REGISTERS)
                return 0;
            new->r[i] = old.r[rule->value];
        }
    }
    if (rules.registers[cie.return_register].kind == RULE_UNDEFINED)
        return 0;
    new->r[WAOT_REGISTER_SP] = cfa - WAOT_REGISTER_CFA;
    new->pc = WAOT_CODE_ADDRESS(new->r[cie.return_register]);
    unwinder->exact = 0;
    return new->pc != 0;
}
