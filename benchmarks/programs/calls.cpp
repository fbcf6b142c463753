// Calls: recursion, through pointers, virtual ones, and through std::function.
#include "bench.h"

#include <array>
#include <functional>
#include <memory>
#include <vector>

static APART int fibonacci(int n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }
static uint64_t fib() { return static_cast<uint64_t>(fibonacci(27)); }

static APART int tak(int x, int y, int z) {
    return y >= x ? z : tak(tak(x - 1, y, z), tak(y - 1, z, x), tak(z - 1, x, y));
}
static uint64_t takeuchi() { return static_cast<uint64_t>(tak(18, 12, 6)); }

static APART unsigned ackermann(unsigned m, unsigned n) {
    return m == 0 ? n + 1 : ackermann(m - 1, n == 0 ? 1 : ackermann(m, n - 1));
}
static uint64_t ackermann_() { return ackermann(2, 400); }

// ------------------------------------------------------------------------------------------------------------ indirect

static APART uint32_t add(uint32_t a, uint32_t b) { return a + b; }
static APART uint32_t rotate(uint32_t a, uint32_t b) { return (a << (b & 31) | a >> (-b & 31)) ^ b; }
static APART uint32_t multiply(uint32_t a, uint32_t b) { return a * (b | 1); }
static APART uint32_t mix(uint32_t a, uint32_t b) { return a ^ a >> 7 ^ b; }
static uint32_t (*functions[])(uint32_t, uint32_t) = {add, rotate, multiply, mix};

static uint64_t indirect() {
    uint32_t value = 1;
    for (uint32_t i = 0; i < 1000000; i++)
        value = functions[(i * i >> 5 ^ i) & 3](value, i);
    return value;
}

// ------------------------------------------------------------------------------------------------------------- virtual

struct Shape {
    virtual ~Shape() = default;
    virtual double area() const = 0;
    virtual void grow(double by) = 0;
};
struct Circle final : Shape {
    double radius;
    explicit Circle(double r) : radius(r) {}
    double area() const override { return 3.14159265358979 * radius * radius; }
    void grow(double by) override { radius += by; }
};
struct Rectangle : Shape {
    double width, height;
    Rectangle(double w, double h) : width(w), height(h) {}
    double area() const override { return width * height; }
    void grow(double by) override { width += by; }
};
struct Square final : Rectangle {
    explicit Square(double side) : Rectangle(side, side) {}
    void grow(double by) override { height = width += by; }
};

static std::vector<std::unique_ptr<Shape>> shapes;
static uint64_t virtual_() {
    if (shapes.empty())
        for (uint32_t i = 0, state = 1; i < 1000; i++)
            switch (bench_random(&state) % 3) {
            case 0: shapes.push_back(std::make_unique<Circle>(i % 7)); break;
            case 1: shapes.push_back(std::make_unique<Rectangle>(i % 5, i % 3)); break;
            default: shapes.push_back(std::make_unique<Square>(i % 9)); break;
            }
    double sum = 0;
    for (int round = 0; round < 200; round++)
        for (auto &shape : shapes) {
            shape->grow(0.001 * (round & 3));
            sum += shape->area();
        }
    return bench_bits(sum);
}

// ------------------------------------------------------------------------------------------------------- std::function

static uint64_t closures() {
    std::array<std::function<uint32_t(uint32_t)>, 3> steps;
    uint32_t count = 0, factor = 2654435761u;
    steps[0] = [&count](uint32_t value) { return value + count++; };
    steps[1] = [factor](uint32_t value) { return value * factor; };
    steps[2] = [&steps](uint32_t value) { return steps[value & 1](value >> 1 ^ value); };
    uint32_t value = 3;
    for (uint32_t i = 0; i < 500000; i++)
        value = steps[(value >> 9) % 3](value);
    return value + static_cast<uint64_t>(count) * 3;
}

int main(int argc, char **argv) {
    static const kernel kernels[] = {
        {"fib", fib, nullptr, nullptr},           {"tak", takeuchi, nullptr, nullptr},
        {"ackermann", ackermann_, nullptr, nullptr}, {"indirect", indirect, nullptr, nullptr},
        {"virtual", virtual_, nullptr, nullptr},  {"closures", closures, nullptr, nullptr},
        {},
    };
    return bench_main(argc, argv, kernels);
}
