"""Big integers, decimal, fractions, math, statistics, random with a seed, and floats to text."""
# mypy: ignore-errors

import decimal
import fractions
import math
import random
import statistics

print(2**521 - 1)
print(math.factorial(200) // math.factorial(195), pow(3, 10**5, 10**9 + 7), math.isqrt(10**60))
n = 1
for i in range(1, 400):
    n = n * i % (10**80 + 129)
print(n, n.bit_length(), hex(n)[:20], int(str(n)) == n)
print((-7) // 2, (-7) % 3, divmod(-(10**30), 7**11), 1 << 200 >> 190, ~5, (10**40).to_bytes(20, "little").hex())

decimal.getcontext().prec = 50
one = decimal.Decimal(1)
print(one / 7, decimal.Decimal(2).sqrt(), decimal.Decimal("0.1") + decimal.Decimal("0.2"))
print(decimal.Decimal("1234.5678").quantize(decimal.Decimal("0.01"), rounding=decimal.ROUND_HALF_EVEN), one.exp())
print(sum((fractions.Fraction(1, i) for i in range(1, 30)), fractions.Fraction()))

for value in (0.1, 1e16, 1e-5, 1 / 3, 123456789.123456789, 5e-324, 1.7976931348623157e308, float("inf"), -0.0):
    print(repr(value), value.hex(), float(repr(value)) == value, end="; ")
print()
functions = (math.sin, math.cos, math.tan, math.exp, math.log, math.sqrt, math.gamma, math.erf, math.atan, math.cbrt)
print([f(0.7).hex() for f in functions])
print(math.fsum([0.1] * 10), sum([0.1] * 10), math.hypot(3, 4), math.comb(50, 25), math.gcd(2**40, 6**20))
random.seed(12345)
sample = [random.random() for _ in range(1000)]
print(sample[0], statistics.mean(sample), statistics.stdev(sample), random.randint(1, 10**20), random.choice("abcdef"))
print(round(2.5), round(-3.5), round(2.675, 2), 7.0 // 2, -7.5 % 2, complex(1, 2) ** 2, 0.1 + 0.2)
try:
    print(1 / 0)
except ZeroDivisionError as error:
    print(error)
try:
    math.exp(1000)
except OverflowError as error:
    print(error)
