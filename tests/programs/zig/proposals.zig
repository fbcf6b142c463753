//! What zig makes of the proposals: guaranteed tail calls, vectors, 128-bit products, atomics, saturating conversions.

const std = @import("std");

fn print(comptime format: []const u8, arguments: anytype) void {
    var buffer: [1000]u8 = undefined;
    const text = std.fmt.bufPrint(&buffer, format, arguments) catch unreachable;
    const iovec = [1]std.os.wasi.ciovec_t{.{ .base = text.ptr, .len = text.len }};
    var written: usize = 0;
    _ = std.os.wasi.fd_write(1, &iovec, 1, &written);
}

// ------------------------------------------------------------------------------------------------------ tail calls

const Machine = struct {
    code: []const u8,
    registers: [4]u64,
};
const Handler = *const fn (*Machine, usize, u64) u64;
const handlers = [_]Handler{ halt, load, store, add, multiply, decrementAndJump };

fn next(machine: *Machine, at: usize, accumulator: u64) u64 {
    return @call(.always_tail, handlers[machine.code[at]], .{ machine, at, accumulator });
}
fn halt(_: *Machine, _: usize, accumulator: u64) u64 {
    return accumulator;
}
fn load(machine: *Machine, at: usize, _: u64) u64 {
    return @call(.always_tail, next, .{ machine, at + 2, machine.registers[machine.code[at + 1]] });
}
fn store(machine: *Machine, at: usize, accumulator: u64) u64 {
    machine.registers[machine.code[at + 1]] = accumulator;
    return @call(.always_tail, next, .{ machine, at + 2, accumulator });
}
fn add(machine: *Machine, at: usize, accumulator: u64) u64 {
    return @call(.always_tail, next, .{ machine, at + 2, accumulator +% machine.registers[machine.code[at + 1]] });
}
fn multiply(machine: *Machine, at: usize, accumulator: u64) u64 {
    return @call(.always_tail, next, .{ machine, at + 2, accumulator *% machine.registers[machine.code[at + 1]] });
}
fn decrementAndJump(machine: *Machine, at: usize, accumulator: u64) u64 {
    machine.registers[machine.code[at + 1]] -= 1;
    const to = if (machine.registers[machine.code[at + 1]] == 0) at + 3 else at - machine.code[at + 2];
    return @call(.always_tail, next, .{ machine, to, accumulator });
}

// --------------------------------------------------------------------------------------------------------- vectors

fn mandelbrot(width: usize) u64 {
    var total: u64 = 0;
    var row: usize = 0;
    while (row < width) : (row += 1) {
        var column: usize = 0;
        while (column < width) : (column += 4) {
            const lanes = @Vector(4, f32){ 0, 1, 2, 3 };
            const scale: @Vector(4, f32) = @splat(2.5 / @as(f32, @floatFromInt(width)));
            const x0 = (lanes + @as(@Vector(4, f32), @splat(@floatFromInt(column)))) * scale - @as(@Vector(4, f32), @splat(2));
            const y0 = @as(@Vector(4, f32), @splat(@floatFromInt(row))) * scale - @as(@Vector(4, f32), @splat(1.25));
            var x: @Vector(4, f32) = @splat(0);
            var y: @Vector(4, f32) = @splat(0);
            var steps: @Vector(4, u32) = @splat(0);
            for (0..50) |_| {
                const inside = x * x + y * y < @as(@Vector(4, f32), @splat(4));
                if (!@reduce(.Or, inside)) break;
                steps += @select(u32, inside, @as(@Vector(4, u32), @splat(1)), @as(@Vector(4, u32), @splat(0)));
                const further = x * x - y * y + x0;
                y = @as(@Vector(4, f32), @splat(2)) * x * y + y0;
                x = further;
            }
            total = total *% 31 +% @reduce(.Add, steps);
        }
    }
    return total;
}

// --------------------------------------------------------------------------------------------------- wide and atomic

fn factorial(n: u64, digits: *[40]u64) void {
    @memset(digits, 0);
    digits[0] = 1;
    var factor: u64 = 2;
    while (factor <= n) : (factor += 1) {
        var carry: u64 = 0;
        for (digits) |*digit| {
            const product = std.math.mulWide(u64, digit.*, factor) + carry;
            digit.* = @truncate(product);
            carry = @truncate(product >> 64);
        }
    }
}

var counter: u32 = 0;
var small: i16 = -5;

pub fn main() void {
    var machine = Machine{ .code = &.{ 1, 0, 4, 2, 3, 1, 2, 0, 5, 3, 8, 0 }, .registers = .{ 1, 7, 3, 1_000_000 } };
    print("machine {x}\n", .{next(&machine, 0, 0)});
    print("mandelbrot {x}\n", .{mandelbrot(64)});
    var digits: [40]u64 = undefined;
    factorial(200, &digits);
    for (digits) |digit| print("{x}.", .{digit});
    print("\n", .{});
    for (0..1000) |i| _ = @atomicRmw(u32, &counter, .Add, @intCast(i * i), .seq_cst);
    _ = @atomicRmw(i16, &small, .Max, 12, .acq_rel);
    _ = @atomicRmw(i16, &small, .Nand, 6, .acq_rel);
    print("atomics {d} {d} {?d}\n", .{ counter, small, @cmpxchgStrong(u32, &counter, 5, 6, .seq_cst, .seq_cst) });
    var value: f64 = 1.5e10;
    for (0..6) |_| {
        print("{d} {d} ", .{ std.math.lossyCast(i32, value), std.math.lossyCast(u64, -value) });
        value *= -100000;
    }
    var a: u128 = 0x123456789abcdef0123456789abcdef;
    var b: i256 = -3;
    for (0..50) |i| {
        a = a *% (a >> 3 | 1) +% i;
        b = b *% @as(i256, @intCast(a >> 1)) +% @divTrunc(b, 12345);
    }
    print("{x} {x}\n", .{ a, b });
}
