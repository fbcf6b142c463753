// The C++ standard library as programs use it: maps, hash maps, vectors, strings, sorting by lambdas, heaps, variants.
#include "bench.h"

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <numeric>
#include <queue>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

static uint64_t maps() {
    std::map<uint32_t, uint32_t> map;
    uint32_t state = 2;
    for (int i = 0; i < 50000; i++)
        map[bench_random(&state) % 20000] += static_cast<uint32_t>(i);
    uint64_t sum = 0;
    for (int i = 0; i < 50000; i++)
        if (auto found = map.lower_bound(bench_random(&state) % 20000); found != map.end())
            sum += found->first ^ found->second;
    for (auto &[key, value] : map)
        sum = sum * 3 + value;
    return sum;
}

static uint64_t hash_maps() {
    std::unordered_map<std::string, uint32_t> counts;
    uint32_t state = 4;
    for (int i = 0; i < 40000; i++) {
        uint32_t chosen = bench_random(&state);
        counts["key " + std::to_string(chosen % 3000) + (chosen & 1 ? " of a longer kind" : "")]++;
    }
    uint64_t sum = counts.size();
    for (int i = 0; i < 3000; i++)
        if (auto found = counts.find("key " + std::to_string(i)); found != counts.end())
            sum = sum * 5 + found->second;
    return sum;
}

static uint64_t strings() {
    std::string text;
    for (int i = 0; i < 3000; i++)
        text += "line " + std::to_string(i * 7919 % 3001) + ", and what it says;\n";
    std::vector<std::string_view> lines;
    for (std::string_view left = text; !left.empty();) {
        std::size_t end = left.find('\n');
        lines.push_back(left.substr(0, end));
        left.remove_prefix(end + 1);
    }
    std::sort(lines.begin(), lines.end());
    std::string joined;
    for (std::string_view line : lines) {
        joined.append(line.substr(5));
        if (line.find("99, and") != std::string_view::npos)
            joined.insert(joined.size() / 2 + joined.size() / 3, "<>");
    }
    std::replace(joined.begin(), joined.end(), ';', '!');
    return bench_fold_bytes(0, joined.data(), joined.size());
}

struct Person {
    std::string name;
    int age;
    double height;
};

static uint64_t sorting() {
    std::vector<Person> people;
    uint32_t state = 6;
    for (int i = 0; i < 10000; i++) {
        uint32_t chosen = bench_random(&state);
        people.push_back({"n" + std::to_string(chosen % 5000), static_cast<int>(chosen >> 16) % 90, (chosen & 255) / 3.0});
    }
    std::sort(people.begin(), people.end(), [](const Person &a, const Person &b) {
        return a.age != b.age ? a.age < b.age : a.name != b.name ? a.name < b.name : a.height < b.height;
    });
    std::stable_sort(people.begin(), people.end(), [](const auto &a, const auto &b) { return a.height < b.height; });
    uint64_t hash = 0;
    for (const Person &person : people)
        hash = bench_fold(hash, static_cast<uint64_t>(person.age) + person.name.size());
    return hash;
}

// The shortest ways through a grid with costs, by a heap; and the squares next to each other, by a deque.
static uint64_t ways() {
    constexpr int side = 96;
    std::vector<int> cost(side * side), far(side * side, 1 << 30);
    uint32_t state = 8;
    for (int &one : cost)
        one = 1 + static_cast<int>(bench_random(&state) % 9);
    using Place = std::pair<int, int>;
    std::priority_queue<Place, std::vector<Place>, std::greater<>> open;
    open.emplace(far[0] = 0, 0);
    while (!open.empty()) {
        auto [distance, at] = open.top();
        open.pop();
        if (distance > far[at])
            continue;
        for (int step : {-side, -1, 1, side}) {
            int next = at + step;
            if (next < 0 || next >= side * side || ((step == 1 || step == -1) && next / side != at / side))
                continue;
            if (int other = distance + cost[next]; other < far[next])
                open.emplace(far[next] = other, next);
        }
    }
    std::deque<int> wave{0};
    std::vector<bool> seen(side * side);
    uint64_t order = 0;
    for (seen[0] = true; !wave.empty(); wave.pop_front()) {
        order = order * 3 + static_cast<uint64_t>(wave.front());
        for (int step : {1, side})
            if (int next = wave.front() + step; next < side * side && !seen[next] && cost[next] < 9) {
                seen[next] = true;
                wave.push_back(next);
            }
    }
    return order + static_cast<uint64_t>(std::accumulate(far.begin(), far.end(), 0L));
}

struct Leaf;
struct Sum;
struct Product;
using Expression = std::variant<int, std::string, std::unique_ptr<Sum>, std::unique_ptr<Product>>;
struct Sum {
    Expression left, right;
};
struct Product {
    Expression left, right;
};
static Expression make(int depth, uint32_t *state) {
    uint32_t chosen = bench_random(state);
    if (depth == 0)
        return chosen & 1 ? Expression(static_cast<int>(chosen % 100)) : Expression(std::string(1, static_cast<char>('a' + chosen % 26)));
    if (chosen & 2)
        return std::make_unique<Sum>(Sum{make(depth - 1, state), make(depth - 1, state)});
    return std::make_unique<Product>(Product{make(depth - 1, state), make(depth - 1, state)});
}
struct Evaluate {
    uint32_t operator()(int number) const { return static_cast<uint32_t>(number); }
    uint32_t operator()(const std::string &name) const { return static_cast<uint32_t>(name[0]); }
    uint32_t operator()(const std::unique_ptr<Sum> &sum) const { return std::visit(*this, sum->left) + std::visit(*this, sum->right); }
    uint32_t operator()(const std::unique_ptr<Product> &product) const {
        return std::visit(*this, product->left) * (std::visit(*this, product->right) | 1);
    }
};
static uint64_t variants() {
    uint32_t state = 10;
    uint64_t sum = 0;
    for (int i = 0; i < 20; i++) {
        Expression expression = make(10, &state);
        for (int round = 0; round < 5; round++)
            sum = sum * 3 + std::visit(Evaluate{}, expression);
    }
    return sum;
}

int main(int argc, char **argv) {
    static const kernel kernels[] = {
        {"map", maps, nullptr, nullptr},         {"unordered-map", hash_maps, nullptr, nullptr},
        {"strings", strings, nullptr, nullptr},  {"sort-lambda", sorting, nullptr, nullptr},
        {"heap-deque", ways, nullptr, nullptr},  {"variant", variants, nullptr, nullptr},
        {},
    };
    return bench_main(argc, argv, kernels);
}
