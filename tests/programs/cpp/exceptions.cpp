// C++ exceptions: what is caught, what is destroyed, and that what a function holds survives a throw beneath it.
#include "throwing.hpp"

#include <algorithm>
#include <coroutine>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#define APART __attribute__((noinline))

static int alive = 0;
struct Guard {
    const char *name;
    explicit Guard(const char *n) : name(n) { alive++; }
    Guard(const Guard &other) : name(other.name) { alive++; }
    ~Guard() {
        alive--;
        std::printf("~%s ", name);
    }
};
struct Silent {
    Silent() { alive++; }
    Silent(const Silent &) { alive++; }
    ~Silent() { alive--; }
};

// ---------------------------------------------------------------------------------------------------- what catches what

struct Base {
    int number = 1;
    virtual ~Base() = default;
    virtual const char *name() const { return "Base"; }
};
struct Other {
    int other = 2;
    virtual ~Other() = default;
};
struct Derived : Other, Base {
    Derived() { number = 3; }
    const char *name() const override { return "Derived"; }
};
struct Left : virtual Base {};
struct Right : virtual Base {};
struct Diamond : Left, Right {
    const char *name() const override { return "Diamond"; }
};
class Hidden : Base {}; // a private base catches nothing
struct Large {
    double numbers[40];
};
enum class Colour { red, green };

APART static void raise(int kind) {
    static Derived derived;
    switch (kind) {
    case 0: throw 42;
    case 1: throw 42u;
    case 2: throw 1ll << 40;
    case 3: throw 2.5;
    case 4: throw 2.5f;
    case 5: throw "text";
    case 6: throw std::string("a string that is too long to lie within its own object");
    case 7: throw Base();
    case 8: throw Derived();
    case 9: throw Diamond();
    case 10: throw Hidden();
    case 11: throw &derived;
    case 12: throw static_cast<const Base *>(&derived);
    case 13: throw nullptr;
    case 14: throw Colour::green;
    case 15: throw std::out_of_range("index 9");
    case 16: throw std::bad_alloc();
    case 17: {
        Large large;
        for (int i = 0; i < 40; i++)
            large.numbers[i] = i * 1.5;
        throw large;
    }
    case 18: throw raise;
    default: return;
    }
}

APART static void catch_by_type(int kind) {
    Guard guard("by_type");
    try {
        Silent silent;
        raise(kind);
        std::printf("nothing");
    } catch (int value) {
        std::printf("int %d", value);
    } catch (unsigned value) {
        std::printf("unsigned %u", value);
    } catch (long long value) {
        std::printf("long long %lld", value);
    } catch (double value) {
        std::printf("double %g", value);
    } catch (const char *text) {
        std::printf("text %s", text);
    } catch (const std::string &text) {
        std::printf("string of %zu", text.size());
    } catch (Base *pointer) {
        std::printf("pointer %s %d", pointer ? pointer->name() : "to nothing", pointer ? pointer->number : 0);
    } catch (const Base *pointer) {
        std::printf("const pointer %s", pointer->name());
    } catch (Colour colour) {
        std::printf("colour %d", static_cast<int>(colour));
    } catch (const std::logic_error &error) {
        std::printf("logic error %s", error.what());
    } catch (const std::exception &error) {
        std::printf("exception %s", error.what());
    } catch (Other &other) {
        std::printf("other %d", other.other);
    } catch (Base &base) {
        std::printf("base %s %d", base.name(), base.number);
    } catch (const Large &large) {
        double sum = 0;
        for (double number : large.numbers)
            sum += number;
        std::printf("large %g", sum);
    } catch (void (*function)(int)) {
        std::printf("function %d", function == raise);
    } catch (...) {
        std::printf("something");
    }
    std::printf(", %d alive; ", alive);
}

// --------------------------------------------------------------------------------------------------- what is destroyed

struct Parts {
    Guard first, second;
    Guard third;
    explicit Parts(bool fail) try : first("first"), second("second"), third((fail ? throw 5 : 0, "third")) {
    } catch (int) {
        std::printf("in the constructor's catch ");
    } // rethrows by itself
};
static int allocated = 0;
struct Counted {
    Guard guard{"counted"};
    explicit Counted(bool fail) {
        if (fail)
            throw 6;
    }
    static void *operator new(std::size_t size) {
        allocated++;
        return std::malloc(size);
    }
    static void operator delete(void *pointer) {
        allocated--;
        std::free(pointer);
    }
};
static int left_to_make = 0;
struct Rare {
    Rare() {
        if (left_to_make-- == 0)
            throw std::runtime_error("no more");
        alive++;
    }
    ~Rare() { alive--; }
};

APART static void destroyed() {
    try {
        Parts parts(true);
    } catch (int value) {
        std::printf("parts %d\n", value);
    }
    try {
        delete new Counted(true);
    } catch (int value) {
        std::printf("new %d, %d allocated\n", value, allocated);
    }
    try {
        left_to_make = 7;
        std::unique_ptr<Rare[]> array(new Rare[10]);
    } catch (const std::runtime_error &error) {
        std::printf("array: %s, %d alive\n", error.what(), alive);
    }
    try {
        left_to_make = 5;
        std::vector<std::vector<Rare>> table;
        for (std::size_t i = 0; i < 10; i++)
            table.emplace_back(i);
    } catch (const std::runtime_error &error) {
        std::printf("vectors: %s, %d alive\n", error.what(), alive);
    }
    for (int turn = 0; turn < 3; turn++) {
        try {
            left_to_make = turn;
            static Rare once, twice; // tried again as long as it throws
            std::printf("static made in turn %d\n", turn);
        } catch (const std::runtime_error &) {
            std::printf("static failed in turn %d\n", turn);
        }
    }
    try {
        Guard a("a");
        {
            Guard b("b");
            Guard c(b);
        }
        Guard d("d");
        throw Guard("thrown");
    } catch (Guard &guard) {
        std::printf("caught %s\n", guard.name);
    }
    std::printf("\n%d alive\n", alive);
}

// ------------------------------------------------------------------------------------------------ nested and rethrown

struct Cleaner { // throws and catches while it is itself run by another throw
    ~Cleaner() {
        int before = std::uncaught_exceptions();
        try {
            Guard guard("inner");
            throw before * 10 + std::uncaught_exceptions();
        } catch (int value) {
            std::printf("(cleaner caught %d) ", value);
        }
    }
};

APART static int levels(int kind) {
    int steps = 0;
    try {
        steps += 1;
        try {
            steps += 10;
            try {
                steps += 100;
                Cleaner cleaner;
                raise(kind);
                steps += 1000;
            } catch (int value) {
                steps += value;
                throw;
            } catch (double value) {
                steps += 2000;
                throw static_cast<int>(value * 2);
            }
            steps += 10000;
        } catch (std::string &text) {
            text += '!';
            steps += static_cast<int>(text.size());
            throw;
        } catch (int value) {
            steps += value * 3;
            try {
                raise(15);
            } catch (std::exception &) {
                steps += 100000; // and the int is still the one that is handled
            }
            if (value == 5)
                throw;
        }
    } catch (int value) {
        return -steps * value;
    } catch (std::string &text) {
        return steps * 7 + text.back();
    } catch (...) {
        return steps + 1000000;
    }
    return steps;
}

APART static int leave_early(int kind) { // by break, continue, goto and return
    int sum = 0;
    for (int i = 0; i < 20; i++) {
        Silent silent;
        try {
            if (i % 3 == 0)
                continue;
            if (i == kind)
                break;
            raise(i % 5 == 0 ? 0 : -1);
            sum += i;
            if (i == 17)
                goto out;
        } catch (int value) {
            sum += value;
            if (kind == 100)
                return sum;
            continue;
        }
        sum += 1;
    }
    return sum * 1000 + alive;
out:
    return -sum * 1000 - alive;
}

// What a function has in its variables, at the time of the throw.
APART static double variables(int n) {
    int a = 1;
    long long b = 2;
    float c = 3;
    double d = 4;
    int caught = 0;
    for (int i = 0; i < n; i++) {
        a += i;
        try {
            b += a;
            raise(i % 4 == 1 ? 0 : i % 4 == 2 ? 3 : -1);
            c += 1;
            raise(i % 4 == 3 ? 14 : -1);
            d += c;
        } catch (int value) {
            caught += value;
            b ^= i;
        } catch (double value) {
            d += value;
            caught++;
        } catch (...) {
            c += 0.5f;
        }
    }
    return static_cast<double>(a) + static_cast<double>(b) * 3 + static_cast<double>(c) * 5 + d * 7 + caught * 11;
}

// --------------------------------------------------------------------------------------------------- through many calls

struct Walker {
    virtual ~Walker() = default;
    virtual int walk(int depth, Walker &next) = 0;
};
static int deepest = 0;
struct First : Walker {
    int walk(int depth, Walker &next) override {
        Silent silent;
        deepest = std::max(deepest, alive);
        if (depth == 0)
            throw std::length_error("end of the walk");
        return next.walk(depth - 1, *this) + 1;
    }
};
struct Second : Walker {
    int walk(int depth, Walker &next) override { return next.walk(depth - 1, *this) + 1; }
};
using Function = int (*)(int);
APART static int fails(int value) { throw value + 1; }
APART static int succeeds(int value) { return value + 2; }
static Function volatile functions[] = {fails, succeeds};

static int order(const void *a, const void *b) {
    int x = *static_cast<const int *>(a), y = *static_cast<const int *>(b);
    if (x == 77 || y == 77)
        throw x + y;
    return x - y;
}

APART static void through_calls() {
    First first;
    Second second;
    try {
        std::printf("%d\n", first.walk(2000, second));
    } catch (const std::length_error &error) {
        std::printf("%s, %d were alive, %d are\n", error.what(), deepest, alive);
    }
    for (Function volatile &function : functions) {
        try {
            std::printf("returned %d\n", function(10));
        } catch (int value) {
            std::printf("threw %d\n", value);
        }
    }
    std::function<int(int)> layers = fails;
    for (int i = 0; i < 5; i++)
        layers = [layers, i](int value) {
            Silent silent;
            try {
                return layers(value + i);
            } catch (int thrown) {
                throw thrown * 2;
            }
        };
    try {
        layers(1);
    } catch (int value) {
        std::printf("layers %d, %d alive\n", value, alive);
    }
    int numbers[100];
    for (int i = 0; i < 100; i++)
        numbers[i] = (i * 37) % 101;
    try {
        std::qsort(numbers, 100, sizeof numbers[0], order);
    } catch (int value) {
        std::printf("the comparison threw %d\n", value >= 77);
    }
    std::vector<std::string> words{"one", "two", "three", "four", "five", "six", "seven"};
    try {
        std::sort(words.begin(), words.end(), [](const std::string &a, const std::string &b) {
            if (a.size() + b.size() > 9)
                throw a.size() * b.size();
            return a < b;
        });
    } catch (std::size_t product) {
        std::printf("product %zu\n", product);
    }
    std::map<int, std::string> map{{1, "one"}};
    try {
        std::printf("%s ", map.at(1).c_str());
        std::printf("%s ", map.at(2).c_str());
    } catch (const std::out_of_range &) {
        std::printf("no 2\n");
    }
}

struct Fragile {
    static inline int copies = 0;
    int value;
    explicit Fragile(int v) : value(v) { alive++; }
    Fragile(const Fragile &other) : value(other.value) {
        if (++copies == 7)
            throw copies;
        alive++;
    }
    ~Fragile() { alive--; }
};

// -------------------------------------------------------------------------------- exceptions as values, and coroutines

struct Numbers {
    struct promise_type {
        int value = 0;
        std::exception_ptr failure;
        Numbers get_return_object() { return Numbers{std::coroutine_handle<promise_type>::from_promise(*this)}; }
        std::suspend_always initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        std::suspend_always yield_value(int v) noexcept {
            value = v;
            return {};
        }
        void return_void() {}
        void unhandled_exception() { failure = std::current_exception(); }
    };
    std::coroutine_handle<promise_type> handle;
    explicit Numbers(std::coroutine_handle<promise_type> h) : handle(h) {}
    Numbers(Numbers &&other) : handle(std::exchange(other.handle, {})) {}
    ~Numbers() {
        if (handle)
            handle.destroy();
    }
    bool next() {
        handle.resume();
        if (handle.promise().failure)
            std::rethrow_exception(handle.promise().failure);
        return !handle.done();
    }
};
static Numbers up_to(int n) {
    Silent silent;
    for (int i = 0;; i++) {
        int value = 0;
        try {
            raise(i % 2 ? 0 : -1);
            if (i == n)
                throw std::runtime_error("n is reached");
            value = i;
        } catch (int caught) {
            value = -caught;
        }
        co_yield value;
    }
}

APART static void as_values() {
    std::exception_ptr kept;
    try {
        throw Guard("kept");
    } catch (...) {
        kept = std::current_exception();
    }
    for (int i = 0; i < 2; i++) {
        try {
            std::rethrow_exception(kept);
        } catch (Guard &guard) {
            std::printf("again %s ", guard.name);
        }
    }
    kept = nullptr;
    std::printf("%d alive\n", alive);
    try {
        try {
            raise(15);
        } catch (...) {
            std::throw_with_nested(std::runtime_error("outer"));
        }
    } catch (const std::exception &outer) {
        std::printf("%s ", outer.what());
        try {
            std::rethrow_if_nested(outer);
        } catch (const std::exception &inner) {
            std::printf("because of %s\n", inner.what());
        }
    }
    try {
        Numbers numbers = up_to(6);
        while (numbers.next())
            std::printf("%d ", numbers.handle.promise().value);
    } catch (const std::exception &error) {
        std::printf("%s, %d alive\n", error.what(), alive);
    }
    try {
        std::vector<Fragile> fragile;
        for (int i = 0; i < 8; i++)
            fragile.push_back(Fragile(i));
    } catch (int copies) {
        std::printf("copy %d failed, %d alive\n", copies, alive);
    }
}

// ------------------------------------------------------------------------------------------------------------ how often

APART static void often() {
    std::size_t before = 0, sum = 0;
    for (int i = 0; i < 1000000; i++) {
        if (i == 1000)
            before = __builtin_wasm_memory_size(0);
        try {
            Silent silent;
            if (i % 16 == 0)
                throw std::string(100, 'x');
            throw i;
        } catch (int value) {
            sum += static_cast<std::size_t>(value);
        } catch (const std::string &text) {
            sum ^= text.size();
        }
    }
    std::printf("a million: %zu, memory grew by %zu pages, %d alive\n", sum, __builtin_wasm_memory_size(0) - before, alive);
}

APART static void may_not() noexcept {
    Guard guard("may_not");
    raise(0);
}
struct Bomb {
    ~Bomb() noexcept(false) { throw 1; }
};

int main(int argc, char **argv) {
    std::set_terminate([] {
        std::printf("terminate ");
        if (std::current_exception()) {
            try {
                throw;
            } catch (int value) {
                std::printf("because of %d", value);
            } catch (...) {
                std::printf("because of something");
            }
        }
        std::puts("");
        std::fflush(stdout);
        std::_Exit(7);
    });
    std::string what = argc > 1 ? argv[1] : "";
    if (what == "noexcept")
        may_not();
    if (what == "twice") {
        try {
            Bomb bomb;
            throw 2;
        } catch (int) {
            std::puts("not reached");
        }
    }
    if (what == "nothing")
        throw;
    if (what == "uncaught") {
        std::puts("before");
        std::fflush(stdout);
        Guard guard("uncaught");
        raise(std::atoi(argv[2]));
    }
    for (int kind = -1; kind <= 18; kind++) {
        catch_by_type(kind);
        std::printf("%d\n", kind);
    }
    destroyed();
    for (int kind : {-1, 0, 3, 5, 6, 14, 15})
        std::printf("levels %d\n", levels(kind));
    for (int kind : {4, 13, 50, 100})
        std::printf("early %d\n", leave_early(kind));
    std::printf("variables %.17g\n", variables(1000));
    through_calls();
    as_values();
    often();
    return 0;
}
