"""Classes, dataclasses, generators, closures, exceptions, sorting, comprehensions, enum, functools, async."""
# mypy: ignore-errors

import abc
import contextlib
import dataclasses
import enum
import functools
import heapq
import itertools
import operator
import typing


@dataclasses.dataclass(order=True, frozen=True)
class Item:
    weight: float
    name: str = dataclasses.field(compare=False)
    tags: tuple[str, ...] = ()


items = [Item((i * 7919 % 101) / 4, f"item{i}", ("odd",) if i % 2 else ()) for i in range(100)]
print(sorted(items)[:3], max(items), dataclasses.asdict(items[5]), dataclasses.replace(items[1], name="new"))
try:
    items[0].weight = 5
except dataclasses.FrozenInstanceError as error:
    print(type(error).__name__, error)


class Colour(enum.Flag):
    RED = enum.auto()
    GREEN = enum.auto()
    BOTH = RED | GREEN


print(Colour.BOTH, Colour.RED in Colour.BOTH, list(Colour), Colour(0))


class Shape(abc.ABC):
    registry: typing.ClassVar[dict] = {}

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        Shape.registry[cls.__name__] = cls

    @abc.abstractmethod
    def area(self): ...

    def __lt__(self, other):
        return self.area() < other.area()


class Square(Shape):
    def __init__(self, side):
        self.side = side

    def area(self):
        return self.side**2


class Circle(Shape):
    __slots__ = ("radius",)

    def __init__(self, radius):
        self.radius = radius

    @property
    def diameter(self):
        return 2 * self.radius

    def area(self):
        return 3 * self.radius**2


print(sorted(Shape.registry), [type(s).__name__ for s in sorted([Square(3), Circle(1), Square(1)])], Circle(4).diameter)
try:
    Shape()
except TypeError as error:
    print(error)


def numbers():
    received = yield 0
    while received is not None:
        received = yield received * 2
    return "finished"


def outer():
    result = yield from numbers()
    yield result


generator = outer()
print(next(generator), generator.send(5), generator.send(7), generator.send(None))


@contextlib.contextmanager
def tracked(name):
    print("enter", name, end=" ")
    try:
        yield name
    except KeyError as error:
        print("suppressed", error, end=" ")
    finally:
        print("leave", name)


with tracked("fine"), tracked("inner"):
    pass
with tracked("failing"):
    {}["missing"]


def failing(depth):
    if depth == 0:
        raise ValueError("deep") from KeyError("cause")
    failing(depth - 1)


try:
    failing(50)
except ValueError as error:
    print(error, repr(error.__cause__), error.__traceback__.tb_next.tb_lineno)
try:
    raise ExceptionGroup("group", [TypeError("a"), ValueError("b")])
except* TypeError as group:
    print("types", group.exceptions)
except* ValueError as group:
    print("values", group.exceptions)


@functools.cache
def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


print([fibonacci(n) for n in range(151)][-1], fibonacci.cache_info().hits)


def endless(n):
    return endless(n + 1)


try:
    endless(0)
except RecursionError as error:
    print(error)
print(
    list(itertools.islice(itertools.permutations("abc", 2), 5)), list(itertools.accumulate(range(1, 8), operator.mul))
)
print([list(g) for _, g in itertools.groupby("aabbbcd")], heapq.nsmallest(4, [5, 1, 8, 3, 2, 9]))
words = ["the", "quick", "brown", "fox", "jumps", "over", "the", "lazy", "dog"]
print(sorted(set(words), key=lambda w: (len(w), w)), {len(w): w for w in words}, [*map(str.title, words[:3])])
match {"kind": "point", "at": [1, 2, 3]}:
    case {"kind": "point", "at": [x, *rest]} if x > 0:
        print("matched", x, rest)
print(sum(i * i for i in range(200000)), len([i for i in range(100000) if i % 7 == 3 and not i & 1]))
table = {f"key{i}": i for i in range(50000)}
for i in range(0, 50000, 3):
    del table[f"key{i}"]
print(len(table), sum(table.values()))


async def add(a, b):
    return a + b


async def together():
    return await add(await add(1, 2), 3)


coroutine = together()
try:
    coroutine.send(None)
except StopIteration as stop:
    print("async", stop.value)
