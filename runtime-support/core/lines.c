/* The line number program of DWARF 4 (section 6.2), which here says the byte offset in the .wasm file as the "line".
 *
 * The linker layer turned the relocation of each DW_LNE_set_address from absolute to relative to its own place
 * (waot/linker/objects.py), so that the table needs no relocation when the image is loaded anywhere.
 */
#include "lines.h"

#include "../include/waot_abi.h"
#include "cursor.h"

struct waot_row {
    uintptr_t address;
    uint32_t line;
};

struct waot_sequence {
    struct waot_row row; /* the last row emitted */
    int any;
};

/* The rows so far end at `end`: `sequence->row` covers [its address, end). */
static void waot_emit(struct waot_sequence *sequence, uintptr_t end, struct waot_place *places, unsigned count)
{
    if (!sequence->any)
        return;
    for (unsigned i = 0; i < count; i++) {
        struct waot_place *place = &places[i];
        /* Line 0 is code that LLVM merged from several operators: better no offset than the wrong one. */
        if (place->pc >= sequence->row.address && place->pc < end)
            place->offset = sequence->row.line;
        if (place->function == sequence->row.address && !place->entry)
            place->entry = sequence->row.line;
    }
}

static void waot_run_lines(struct waot_cursor *unit, struct waot_place *places, unsigned count)
{
    unsigned version = waot_read_u16(unit);
    if (version < 2 || version > 4)
        return;
    uint64_t header_length = waot_read_u32(unit);
    struct waot_cursor program = *unit;
    waot_skip(&program, header_length);
    unsigned minimum_length = waot_read_u8(unit);
    if (version == 4)
        waot_read_u8(unit); /* operations an instruction: 1 but for VLIW machines */
    waot_read_u8(unit);     /* default_is_stmt */
    int line_base = (int8_t)waot_read_u8(unit);
    unsigned line_range = waot_read_u8(unit);
    unsigned opcode_base = waot_read_u8(unit);
    const unsigned char *lengths = unit->at; /* operands of each standard opcode, from opcode 1 on */
    waot_skip(unit, opcode_base ? opcode_base - 1 : 0);
    if (unit->failed || program.failed || !line_range || !opcode_base)
        return;

    uintptr_t address = 0;
    uint32_t line = 1;
    struct waot_sequence sequence = {0};
    while (program.at < program.end && !program.failed) {
        unsigned opcode = waot_read_u8(&program);
        int emit = 0;
        if (opcode >= opcode_base) { /* special */
            unsigned adjusted = opcode - opcode_base;
            address += (uintptr_t)(adjusted / line_range) * minimum_length;
            line += (uint32_t)(line_base + (int)(adjusted % line_range));
            emit = 1;
        } else if (opcode == 0) { /* extended */
            uint64_t length = waot_read_uleb(&program);
            struct waot_cursor operation = program;
            waot_skip(&program, length);
            if (program.failed)
                return;
            operation.end = program.at;
            unsigned extended = waot_read_u8(&operation);
            if (extended == 1) { /* DW_LNE_end_sequence */
                waot_emit(&sequence, address, places, count);
                sequence = (struct waot_sequence){0};
                address = 0;
                line = 1;
            } else if (extended == 2 && length == 1 + sizeof(uintptr_t)) { /* DW_LNE_set_address */
                uintptr_t place = (uintptr_t)operation.at;
                address = place + (uintptr_t)waot_read_bytes(&operation, sizeof(uintptr_t));
            }
        } else {
            switch (opcode) {
            case 1: /* DW_LNS_copy */
                emit = 1;
                break;
            case 2: /* DW_LNS_advance_pc */
                address += (uintptr_t)waot_read_uleb(&program) * minimum_length;
                break;
            case 3: /* DW_LNS_advance_line */
                line += (uint32_t)waot_read_sleb(&program);
                break;
            case 8: /* DW_LNS_const_add_pc */
                address += (uintptr_t)((255 - opcode_base) / line_range) * minimum_length;
                break;
            case 9: /* DW_LNS_fixed_advance_pc */
                address += waot_read_u16(&program);
                break;
            default: /* no effect on address and line */
                for (unsigned i = lengths[opcode - 1]; i; i--)
                    waot_read_uleb(&program);
            }
        }
        if (emit) {
            waot_emit(&sequence, address, places, count);
            sequence.row = (struct waot_row){address, line};
            sequence.any = 1;
        }
    }
}

void waot_lines_resolve(struct waot_place *places, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        places[i].offset = places[i].entry = 0;
    struct waot_cursor section = {waot_lines_start, waot_lines_end, 0};
    while (section.at < section.end) {
        uint64_t length = waot_read_u32(&section);
        struct waot_cursor unit = section;
        waot_skip(&section, length);
        if (section.failed)
            return;
        unit.end = section.at;
        waot_run_lines(&unit, places, count);
    }
}
