// The standard containers and algorithms, ownership, and templates, without exceptions.
#include <algorithm>
#include <array>
#include <bitset>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

static int live = 0;

struct Counted {
    int value;
    explicit Counted(int v) : value(v) { ++live; }
    Counted(const Counted &other) : value(other.value) { ++live; }
    Counted(Counted &&other) noexcept : value(other.value) {
        other.value = -1;
        ++live;
    }
    Counted &operator=(const Counted &) = default;
    ~Counted() { --live; }
    bool operator<(const Counted &other) const { return value < other.value; }
};

template <typename T>
T total(const std::vector<T> &values) {
    return std::accumulate(values.begin(), values.end(), T{});
}

template <int N>
struct Fibonacci {
    static constexpr std::uint64_t value = Fibonacci<N - 1>::value + Fibonacci<N - 2>::value;
};
template <>
struct Fibonacci<1> {
    static constexpr std::uint64_t value = 1;
};
template <>
struct Fibonacci<0> {
    static constexpr std::uint64_t value = 0;
};

template <typename... T>
auto sum(T... values) {
    return (values + ... + 0);
}

static void sequences() {
    std::vector<Counted> items;
    for (int i = 0; i < 1000; i++)
        items.emplace_back(i * 7919 % 1009);
    std::sort(items.begin(), items.end());
    std::stable_sort(items.begin(), items.end(), [](const Counted &a, const Counted &b) { return a.value % 10 < b.value % 10; });
    std::printf("%d %d %d live %d\n", items.front().value, items[500].value, items.back().value, live);
    items.erase(std::remove_if(items.begin(), items.end(), [](const Counted &c) { return c.value % 3 == 0; }), items.end());
    std::printf("%zu left, live %d\n", items.size(), live);
    std::deque<int> deque;
    for (int i = 0; i < 100; i++)
        i % 2 ? deque.push_back(i) : deque.push_front(i);
    std::list<int> list(deque.begin(), deque.end());
    list.sort();
    list.reverse();
    std::printf("%d %d %d %d\n", deque.front(), deque.back(), list.front(), list.back());
    std::array<double, 5> array{2.5, -1, 4, 0, 3};
    std::sort(array.begin(), array.end(), std::greater<>());
    std::printf("%g %g\n", array[0], array[4]);
    std::priority_queue<int, std::vector<int>, std::greater<>> queue;
    for (int i : {5, 1, 4, 1, 3})
        queue.push(i);
    while (!queue.empty()) {
        std::printf("%d ", queue.top());
        queue.pop();
    }
    std::puts("");
}

static void associations() {
    std::map<std::string, int> words;
    std::string_view text = "it was the best of times it was the worst of times it was the age of wisdom";
    while (!text.empty()) {
        auto end = std::min(text.find(' '), text.size());
        ++words[std::string(text.substr(0, end))];
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    for (const auto &[word, count] : words)
        std::printf("%s=%d ", word.c_str(), count);
    std::puts("");
    std::unordered_map<std::uint64_t, std::uint64_t> squares;
    for (std::uint64_t i = 0; i < 20000; i++)
        squares[i * 2654435761u] = i * i;
    std::uint64_t check = 0;
    for (std::uint64_t i = 0; i < 20000; i += 3)
        check += squares.at(i * 2654435761u);
    std::printf("%llu %zu\n", static_cast<unsigned long long>(check), squares.erase(2654435761u));
    std::set<std::tuple<int, std::string>> tuples{{2, "b"}, {1, "z"}, {2, "a"}};
    for (const auto &[n, s] : tuples)
        std::printf("%d%s ", n, s.c_str());
    std::multimap<char, int> multi{{'x', 1}, {'y', 2}, {'x', 3}};
    std::printf("%zu\n", multi.count('x'));
    std::unordered_set<std::string> seen;
    int repeated = 0;
    for (int i = 0; i < 500; i++)
        repeated += !seen.insert("key" + std::to_string(i * i % 101)).second;
    std::printf("repeated %d\n", repeated);
}

struct Node {
    std::string name;
    std::vector<std::unique_ptr<Node>> children;
    std::weak_ptr<int> token;
    int weight() const {
        return std::accumulate(children.begin(), children.end(), static_cast<int>(name.size()),
                               [](int sum, const auto &child) { return sum + child->weight(); });
    }
};

static void ownership() {
    auto token = std::make_shared<int>(42);
    auto root = std::make_unique<Node>(Node{"root", {}, token});
    for (int i = 0; i < 10; i++) {
        auto child = std::make_unique<Node>(Node{"child" + std::to_string(i), {}, token});
        for (int j = 0; j < i; j++)
            child->children.push_back(std::make_unique<Node>(Node{std::string(static_cast<std::size_t>(j), 'x'), {}, token}));
        root->children.push_back(std::move(child));
    }
    std::printf("weight %d, uses %ld\n", root->weight(), token.use_count());
    std::weak_ptr<int> watching = root->token;
    root->children[3].reset(new Node{"replaced", {}, {}});
    token.reset();
    std::printf("expired %d\n", watching.expired());
    std::variant<int, std::string, double> value = 7;
    for (int i = 0; i < 3; i++) {
        std::visit([](const auto &v) { std::printf("%zu ", sizeof(v)); }, value);
        if (i == 0)
            value = std::string("a string too long for the small buffer");
        else
            value = 2.5;
    }
    std::optional<int> maybe;
    std::printf("%d ", maybe.value_or(-1));
    maybe = 3;
    std::printf("%d\n", *maybe);
    std::function<int(int)> chain = [](int v) { return v; };
    for (int i = 1; i < 6; i++)
        chain = [chain, i](int v) { return chain(v) * i + 1; };
    std::printf("chain %d\n", chain(2));
}

int main() {
    sequences();
    associations();
    ownership();
    std::printf("%llu %g %d\n", static_cast<unsigned long long>(Fibonacci<90>::value), total<double>({1.5, 2.5}), sum(1, 2, 3, 4));
    std::bitset<128> bits;
    for (std::size_t i = 0; i < 128; i += 7)
        bits.set(i);
    std::printf("%zu %s\n", bits.count(), bits.to_string().substr(100).c_str());
    std::vector<int> permutation{1, 2, 3, 4, 5};
    int count = 0;
    do
        count += permutation[0] > permutation[4];
    while (std::next_permutation(permutation.begin(), permutation.end()));
    std::printf("permutations %d, live %d\n", count, live);
    return live;
}
