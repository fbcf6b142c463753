//! What ReleaseSafe checks: a panic must reach standard error and end the program with a trap.
const std = @import("std");

fn element(values: []const u32, index: usize) u32 {
    return values[index];
}

pub fn main(init: std.process.Init) !void {
    const values = [_]u32{ 10, 20, 30 };
    const args = try init.minimal.args.toSlice(init.arena.allocator());
    var index: usize = 1;
    for (args[1..]) |_| index += 1;
    const value = element(&values, index);
    std.debug.print("element {d} is {d}\n", .{ index, value });
}
