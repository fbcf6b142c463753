// A program in ordinary C++ that reports errors by exceptions (or, with -fno-exceptions, by giving up): it parses
// formulas into trees and evaluates them. `formulas N` has no errors; `errors DEPTH N` throws through DEPTH functions.
#ifdef __cpp_exceptions
#include "../../tests/programs/cpp/throwing.hpp"
#define FAIL(error) throw error
#else
#define FAIL(error) (static_cast<void>(error), std::abort())
#endif

#include <cctype>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#define APART __attribute__((noinline))

struct Error {
    std::string text;
    std::size_t at;
};

using Variables = std::map<std::string, double, std::less<>>;

struct Node {
    virtual ~Node() = default;
    virtual double value(const Variables &variables) const = 0;
};
using Tree = std::unique_ptr<Node>;

struct Number : Node {
    double number;
    explicit Number(double n) : number(n) {}
    double value(const Variables &) const override { return number; }
};
struct Variable : Node {
    std::string name;
    explicit Variable(std::string n) : name(std::move(n)) {}
    double value(const Variables &variables) const override {
        auto found = variables.find(name);
        if (found == variables.end())
            FAIL((Error{"unknown variable " + name, 0}));
        return found->second;
    }
};
struct Binary : Node {
    char sign;
    Tree left, right;
    Binary(char s, Tree l, Tree r) : sign(s), left(std::move(l)), right(std::move(r)) {}
    double value(const Variables &variables) const override {
        double a = left->value(variables), b = right->value(variables);
        switch (sign) {
        case '+': return a + b;
        case '-': return a - b;
        case '*': return a * b;
        default:
            if (b == 0)
                FAIL((Error{"division by zero", 0}));
            return a / b;
        }
    }
};
struct Call : Node {
    std::vector<Tree> arguments;
    explicit Call(std::vector<Tree> a) : arguments(std::move(a)) {}
    double value(const Variables &variables) const override { // max
        double most = arguments[0]->value(variables);
        for (const Tree &argument : arguments)
            if (double other = argument->value(variables); other > most)
                most = other;
        return most;
    }
};

class Parser {
    const std::string &text;
    std::size_t at = 0;

    char peek() const { return at < text.size() ? text[at] : '\0'; }
    void expect(char wanted) {
        if (peek() != wanted)
            FAIL((Error{std::string("expected ") + wanted, at}));
        at++;
    }
    Tree atom() {
        if (std::isdigit(static_cast<unsigned char>(peek()))) {
            double number = 0;
            while (std::isdigit(static_cast<unsigned char>(peek())))
                number = number * 10 + (text[at++] - '0');
            return std::make_unique<Number>(number);
        }
        if (peek() == '(') {
            at++;
            Tree inside = sum();
            expect(')');
            return inside;
        }
        std::string name;
        while (std::isalpha(static_cast<unsigned char>(peek())))
            name += text[at++];
        if (name.empty())
            FAIL((Error{"unexpected character", at}));
        if (peek() != '(')
            return std::make_unique<Variable>(std::move(name));
        at++;
        std::vector<Tree> arguments;
        for (;;) {
            arguments.push_back(sum());
            if (peek() != ',')
                break;
            at++;
        }
        expect(')');
        return std::make_unique<Call>(std::move(arguments));
    }
    Tree product() {
        Tree tree = atom();
        while (peek() == '*' || peek() == '/') {
            char sign = text[at++];
            tree = std::make_unique<Binary>(sign, std::move(tree), atom());
        }
        return tree;
    }
    Tree sum() {
        Tree tree = product();
        while (peek() == '+' || peek() == '-') {
            char sign = text[at++];
            tree = std::make_unique<Binary>(sign, std::move(tree), product());
        }
        return tree;
    }

public:
    explicit Parser(const std::string &t) : text(t) {}
    Tree parse() {
        Tree tree = sum();
        if (at != text.size())
            FAIL((Error{"text after the end", at}));
        return tree;
    }
};

static unsigned state = 1;
static unsigned random(unsigned below) {
    state = state * 1664525 + 1013904223;
    return (state >> 8) % below;
}
static std::string formula(int depth) {
    switch (depth == 0 ? random(2) : random(8)) {
    case 0: return std::to_string(random(1000));
    case 1: return std::string(1, static_cast<char>('a' + random(8)));
    case 2: return "max(" + formula(depth - 1) + "," + formula(depth - 1) + ",rate)";
    case 3: return "(" + formula(depth - 1) + "-" + formula(depth - 1) + ")";
    case 4: return formula(depth - 1) + "/(1+" + formula(depth - 1) + "*" + formula(depth - 1) + ")";
    default: return formula(depth - 1) + "*2+" + formula(depth - 1);
    }
}

static double formulas(int rounds) {
    Variables variables{{"rate", 0.5}};
    for (char name = 'a'; name < 'i'; name++)
        variables[std::string(1, name)] = name * 1.25;
    std::vector<std::string> texts;
    for (int i = 0; i < 300; i++)
        texts.push_back(formula(5));
    double total = 0;
    for (int round = 0; round < rounds; round++) {
        for (const std::string &text : texts) {
            Tree tree = Parser(text).parse();
            for (int i = 0; i < 4; i++) {
                variables["a"] = i + round % 7;
                total += tree->value(variables);
            }
        }
    }
    return total;
}

struct Counted {
    static inline int alive = 0;
    Counted() { alive++; }
    ~Counted() { alive--; }
};
APART static int descend(int depth) {
    Counted counted;
    if (depth == 0)
        FAIL(depth + 1);
    return descend(depth - 1) + Counted::alive;
}
static double errors([[maybe_unused]] int depth, [[maybe_unused]] int count) {
    double total = 0;
#ifdef __cpp_exceptions
    for (int i = 0; i < count; i++) {
        try {
            total += descend(depth - 1);
        } catch (int value) {
            total += value + Counted::alive;
        }
    }
#else
    descend(depth);
#endif
    return total;
}

int main(int argc, char **argv) {
    if (argc < 3)
        return 2;
    auto start = std::chrono::steady_clock::now();
    double result = std::strcmp(argv[1], "formulas") == 0 ? formulas(std::atoi(argv[2]))
                                                           : errors(std::atoi(argv[2]), std::atoi(argv[3]));
    std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    std::printf("result %.17g\nseconds %.6f\n", result, taken.count());
    return 0;
}
