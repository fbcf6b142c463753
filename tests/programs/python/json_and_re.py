"""json, re, collections, string formatting, and textwrap."""
# mypy: ignore-errors

import collections
import json
import re
import string
import textwrap

document = {
    "name": "wåsm ☃",
    "values": [1, -2.5, 1e100, True, None, "tab\t"],
    "nested": {"list": [[i * j for j in range(5)] for i in range(5)]},
}
text = json.dumps(document, sort_keys=True)
print(text)
print(json.dumps(document, indent=2, ensure_ascii=False)[:120])
assert json.loads(text) == document
try:
    json.loads('{"unfinished": [1, 2')
except json.JSONDecodeError as error:
    print(error)
large = json.dumps([{"id": i, "square": i * i, "text": "x" * (i % 20)} for i in range(3000)])
print(len(large), sum(item["square"] for item in json.loads(large)))

levels = ["ERROR", "INFO", "INFO"]
log = "\n".join(f"2026-0{m}-1{m} 12:0{m}:59 [{levels[m % 3]}] host{m}: took {m * 1.5:.2f} ms" for m in range(1, 10))
pattern = re.compile(r"(?P<date>\d{4}-\d\d-\d\d) \S+ \[(?P<level>[A-Z]+)\] (?P<host>\w+): took (?P<ms>[\d.]+)")
for match in pattern.finditer(log):
    print(match["date"], match["level"].lower(), match["host"], float(match["ms"]) * 2, end="; ")
print()
print(re.sub(r"(\w+)@(\w+)\.com", r"<\2:\1>", "mail joe@example.com and ann@test.com"))
print(re.split(r"[\s,;]+", "a, b;c  d,;e"), re.findall(r"(?i)\bw\w*", "We were wondering What"))
print(bool(re.fullmatch(r"(a+)+b", "a" * 18 + "b")), re.escape("1+1=2?"))
print(collections.Counter("mississippi").most_common(3), collections.OrderedDict(a=1, b=2))
print(string.Template("$who likes ${what}s").substitute(who="cat", what="mouse"))
print(textwrap.fill("the quick brown fox jumps over the lazy dog " * 3, width=40, initial_indent="* "))
print(f"{3.14159:>10.3f}|{255:#06x}|{1234567:,}|{'mid':^9}|{0.25:%}|{12345.678:e}|{'q'!r}")
print("%5d|%-5s|%05.1f|%x" % (42, "ab", 3.14159, 255))  # noqa: UP031
