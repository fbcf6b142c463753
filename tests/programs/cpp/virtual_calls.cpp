// Virtual calls: multiple and virtual inheritance, pure and covariant ones, destructors, member pointers, dynamic_cast.
#include <cstdio>
#include <memory>
#include <string>
#include <typeinfo>
#include <vector>

struct Shape {
    virtual ~Shape() { std::printf("~Shape "); }
    virtual double area() const = 0;
    virtual std::string name() const { return "shape"; }
    virtual Shape *clone() const = 0;
};
struct Printable {
    int id = 0;
    virtual ~Printable() = default;
    virtual void print() const { std::printf("printable %d\n", id); }
};
struct Square : Shape, Printable {
    double side;
    explicit Square(double s) : side(s) { id = static_cast<int>(s); }
    ~Square() override { std::printf("~Square "); }
    double area() const override { return side * side; }
    std::string name() const override { return "square"; }
    Square *clone() const override { return new Square(side + 1); }
    void print() const override { std::printf("square %g id %d\n", side, id); }
};
struct Circle final : Shape {
    double radius;
    explicit Circle(double r) : radius(r) {}
    double area() const override { return 3 * radius * radius; }
    Circle *clone() const override { return new Circle(radius * 2); }
};

struct Base {
    int base = 1;
    virtual int value() { return base; }
    virtual ~Base() = default;
};
struct Left : virtual Base {
    int value() override { return base * 10; }
};
struct Right : virtual Base {
    int right = 7;
};
struct Bottom : Left, Right {
    int value() override { return Left::value() + right; }
};

struct Visitor;
struct Expression {
    virtual ~Expression() = default;
    virtual void accept(Visitor &) const = 0;
};
struct Number;
struct Sum;
struct Product;
struct Visitor {
    virtual void visit(const Number &) = 0;
    virtual void visit(const Sum &) = 0;
    virtual void visit(const Product &) = 0;
};
struct Number : Expression {
    long value;
    explicit Number(long v) : value(v) {}
    void accept(Visitor &v) const override { v.visit(*this); }
};
struct Sum : Expression {
    std::unique_ptr<Expression> a, b;
    Sum(std::unique_ptr<Expression> x, std::unique_ptr<Expression> y) : a(std::move(x)), b(std::move(y)) {}
    void accept(Visitor &v) const override { v.visit(*this); }
};
struct Product : Expression {
    std::unique_ptr<Expression> a, b;
    Product(std::unique_ptr<Expression> x, std::unique_ptr<Expression> y) : a(std::move(x)), b(std::move(y)) {}
    void accept(Visitor &v) const override { v.visit(*this); }
};
struct Evaluate : Visitor {
    unsigned long result = 0;
    unsigned long of(const Expression &e) {
        e.accept(*this);
        return result;
    }
    void visit(const Number &n) override { result = static_cast<unsigned long>(n.value); }
    void visit(const Sum &s) override {
        unsigned long x = of(*s.a);
        result = x + of(*s.b);
    }
    void visit(const Product &p) override {
        unsigned long x = of(*p.a);
        result = x * of(*p.b);
    }
};

static std::unique_ptr<Expression> grow(int depth) {
    if (depth == 0)
        return std::make_unique<Number>(3);
    if (depth % 2)
        return std::make_unique<Sum>(grow(depth - 1), grow(depth - 1));
    return std::make_unique<Product>(grow(depth - 1), std::make_unique<Number>(depth));
}

static int constructed = 0;
struct Static {
    Static() { constructed = 5; }
    ~Static() { std::puts("static destroyed"); }
};
static Static with_constructor;

int main() {
    std::vector<std::unique_ptr<Shape>> shapes;
    shapes.emplace_back(new Square(3));
    shapes.emplace_back(new Circle(2));
    for (int i = 0; i < 2; i++)
        shapes.emplace_back(shapes[static_cast<std::size_t>(i)]->clone());
    for (const auto &shape : shapes) {
        std::printf("%s %g ", shape->name().c_str(), shape->area());
        if (const auto *printable = dynamic_cast<const Printable *>(shape.get()))
            printable->print();
        else
            std::printf("not printable, circle %d\n", typeid(*shape) == typeid(Circle));
    }
    shapes.clear();
    std::puts("");
    Bottom bottom;
    Base &base = bottom;
    Right &right = bottom;
    base.base = 4;
    std::printf("%d %d %d\n", base.value(), right.value(), dynamic_cast<Left *>(&right) == &bottom);
    int (Base::*member)() = &Base::value;
    double Circle::*field = &Circle::radius;
    Circle circle(8);
    std::printf("%d %g\n", (base.*member)(), circle.*field);
    Evaluate evaluate;
    std::printf("%lu\n", evaluate.of(*grow(14)));
    std::printf("constructed %d\n", constructed);
    return 0;
}
