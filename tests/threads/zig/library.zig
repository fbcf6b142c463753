// Zig's own threads for wasi-threads, which are std.Thread.
//
// The standard library of zig 0.17 leaves two things to the program: an allocator of pages, and that no thread ends before
// `spawn` has stored its number (`join` would wait for ever), hence the gate.
const std = @import("std");

const Fixed = std.heap.FixedBufferAllocator;
var memory: [1 << 20]u8 = undefined;
var fixed = Fixed.init(&memory);
var stacks: [1 << 20]u8 align(65536) = undefined;
var pool = Fixed.init(&stacks);

pub const os = struct {
    pub const heap = struct {
        pub const page_allocator = std.mem.Allocator{ .ptr = &fixed, .vtable = &.{
            .alloc = Fixed.alloc,
            .resize = Fixed.resize,
            .remap = Fixed.remap,
            .free = Fixed.free,
        } };
    };
};

var counter: u32 = 0;
var gate: u32 = 0;
threadlocal var own: u32 = 5;

fn work(n: u32) void {
    while (@atomicLoad(u32, &gate, .seq_cst) == 0) {}
    var i: u32 = 0;
    while (i < n) : (i += 1) own += 1;
    _ = @atomicRmw(u32, &counter, .Add, own, .seq_cst);
}

pub fn main() !void {
    var threads: [4]std.Thread = undefined;
    for (&threads, 1..) |*thread, n|
        thread.* = try std.Thread.spawn(.{ .allocator = pool.allocator(), .stack_size = 1 << 16 }, work, .{@as(u32, @intCast(n * 1000))});
    @atomicStore(u32, &gate, 1, .seq_cst);
    for (threads) |thread| thread.join();
    std.debug.print("counter {} own {}\n", .{ counter, own });
}
