"""An exception that nobody catches: a traceback on standard error, status 1."""
# mypy: ignore-errors


class Custom(Exception):
    pass


def work(n):
    if n == 3:
        raise Custom("nobody catches this")
    work(n + 1)


print("before")
try:
    {}["cause"]
except KeyError:
    work(0)
