//! Slices, hash maps, sorting, comptime, tagged unions, errors, optionals, vectors and wide integers of zig's own.
const std = @import("std");

const Shape = union(enum) {
    circle: f64,
    box: struct { w: f64, h: f64 },
    point,

    fn area(self: Shape) f64 {
        return switch (self) {
            .circle => |r| 3 * r * r,
            .box => |b| b.w * b.h,
            .point => 0,
        };
    }
};

const ParseError = error{ Empty, NotADigit, TooLarge };

fn parse(text: []const u8) ParseError!u32 {
    if (text.len == 0) return error.Empty;
    var value: u32 = 0;
    for (text) |c| {
        if (c < '0' or c > '9') return error.NotADigit;
        value = std.math.mul(u32, value, 10) catch return error.TooLarge;
        value = std.math.add(u32, value, c - '0') catch return error.TooLarge;
    }
    return value;
}

fn primes(comptime limit: usize) [limit]bool {
    @setEvalBranchQuota(100000);
    var sieve: [limit]bool = @splat(true);
    sieve[0] = false;
    sieve[1] = false;
    var i: usize = 2;
    while (i < limit) : (i += 1) {
        if (!sieve[i]) continue;
        var j = i * 2;
        while (j < limit) : (j += i) sieve[j] = false;
    }
    return sieve;
}
const table = primes(2000);

fn Stack(comptime T: type, comptime capacity: usize) type {
    return struct {
        items: [capacity]T = undefined,
        len: usize = 0,

        fn push(self: *@This(), item: T) error{Full}!void {
            if (self.len == capacity) return error.Full;
            self.items[self.len] = item;
            self.len += 1;
        }
        fn pop(self: *@This()) ?T {
            if (self.len == 0) return null;
            self.len -= 1;
            return self.items[self.len];
        }
    };
}

pub fn main(init: std.process.Init) !void {
    const gpa = init.gpa;
    var buffer: [4096]u8 = undefined;
    var file_writer = std.Io.File.stdout().writer(init.io, &buffer);
    const out = &file_writer.interface;

    const shapes = [_]Shape{ .{ .circle = 2 }, .{ .box = .{ .w = 3, .h = 4.5 } }, .point };
    for (shapes, 0..) |shape, i| try out.print("{d} {s} {d}\n", .{ i, @tagName(shape), shape.area() });
    for ([_][]const u8{ "123", "", "12x", "4294967295", "4294967296" }) |text| {
        if (parse(text)) |value| {
            try out.print("'{s}' is {d}\n", .{ text, value });
        } else |err| {
            try out.print("'{s}' {s}\n", .{ text, @errorName(err) });
        }
    }
    var count: usize = 0;
    for (table) |is_prime| count += @intFromBool(is_prime);
    try out.print("primes {d}\n", .{count});

    var stack: Stack(i16, 3) = .{};
    for ([_]i16{ 1, -2, 3, 4 }) |v| stack.push(v) catch |err| try out.print("{s} ", .{@errorName(err)});
    while (stack.pop()) |v| try out.print("{d} ", .{v});
    try out.print("\n", .{});

    var map: std.StringHashMapUnmanaged(u32) = .empty;
    defer map.deinit(gpa);
    var words = std.mem.tokenizeScalar(u8, "a rose is a rose is a rose", ' ');
    while (words.next()) |word| {
        const entry = try map.getOrPutValue(gpa, word, 0);
        entry.value_ptr.* += 1;
    }
    try out.print("{d} {d} {d} {d}\n", .{ map.count(), map.get("a").?, map.get("rose").?, map.get("is").? });

    var list: std.ArrayList(u64) = .empty;
    defer list.deinit(gpa);
    var seed: u64 = 88172645463325252;
    for (0..5000) |_| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        try list.append(gpa, seed % 100000);
    }
    std.mem.sort(u64, list.items, {}, std.sort.desc(u64));
    try out.print("{d} {d} {d}\n", .{ list.items[0], list.items[2500], list.items[4999] });

    const a: u128 = 0xffff_ffff_ffff_ffff_0000_0000_1234_5678;
    var b: u128 = 987654321987654321;
    _ = &b;
    try out.print("{x} {d} {d}\n", .{ a *% b, a / b, a % b });
    const odd: i23 = @truncate(@as(i64, @bitCast(seed)));
    try out.print("{d} {d} {d}\n", .{ odd, @popCount(a), @clz(b) });
    var wide: u257 = 1;
    for (1..50) |i| wide *%= i;
    try out.print("{x}\n", .{wide});
    const v: @Vector(8, i32) = .{ 1, -2, 3, -4, 5, -6, 7, -8 };
    try out.print("{d} {d}\n", .{ @reduce(.Add, v * v), @reduce(.Min, v) });
    try out.print("{e} {d:.4} {any}\n", .{ @as(f64, 12345.678), std.math.pi, @sqrt(@as(f32, 2)) });
    try out.print("{x}\n", .{std.hash.Crc32.hash("123456789")});
    var digest: [32]u8 = undefined;
    std.crypto.hash.sha2.Sha256.hash("abc", &digest, .{});
    try out.print("{x}\n", .{&digest});
    try out.flush();
    if (map.count() != 3) std.process.exit(1);
    std.process.exit(17);
}
