"""Parts of an interpreter's daily work: `python_parts.py PART SCALE` prints what came of one, and its seconds."""

# mypy: ignore-errors

import sys
import time

scale = int(sys.argv[2])


def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


def calls():
    return sum(fibonacci(18) for _ in range(scale // 2))


def dicts():
    total = 0
    for round_ in range(scale):
        table = {i * 7919 % 10007: i for i in range(2000)}
        for i in range(0, 10007, 3):
            total += table.get(i, round_)
        for key in list(table)[::2]:
            del table[key]
        total += len(table)
    return total


def formatting():
    size = 0
    for i in range(scale * 300):
        size += len(f"{i:>10}|{i * 0.37:.3f}|{i:x}") + len("%s-%05d" % (i, i)) + len(str(i).join("abc"))  # noqa: UP031
    return size


def lists():
    total = 0
    for i in range(scale):
        values = [(j * 7919 + i) % 4099 for j in range(3000)]
        values.sort()
        total += values[i] + sum(values[::7]) + len({v & 255 for v in values})
    return total


class Vector:
    def __init__(self, x, y):
        self.x = x
        self.y = y

    def __add__(self, other):
        return Vector(self.x + other.x, self.y + other.y)


def objects():
    total = Vector(0, 0)
    for i in range(scale * 500):
        total = total + Vector(i, 1.5)
    return total.x + total.y


start = time.perf_counter()
result = {"calls": calls, "dicts": dicts, "formatting": formatting, "lists": lists, "objects": objects}[sys.argv[1]]()
print(f"seconds {time.perf_counter() - start:.6f}\nresult {result}")
