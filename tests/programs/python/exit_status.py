"""sys.exit with a status, through finally blocks, an exit handler and buffered output."""
# mypy: ignore-errors

import atexit
import sys

atexit.register(print, "exit handler")
try:
    print("leaving", end=" ")
    sys.exit(7)
finally:
    print("finally")
