"""The names of the passes that are left out are LLVM's: it says nothing of one that it does not know."""

from __future__ import annotations

import re
import subprocess

from waot.codegen.llvm import _NOT_BRIEF
from waot.zig import zig_binary

# With what some passes ask for: two functions, a call, a loop, a table of constants.
MODULE = """\
target triple = "x86_64-unknown-linux-musl"
define internal i32 @g(i32 %a) noinline {
  %b = add i32 %a, 1
  ret i32 %b
}
define i32 @f(ptr %p, i32 %n) {
entry:
  br label %l
l:
  %i = phi i32 [ 0, %entry ], [ %j, %l ]
  %s = phi i32 [ 0, %entry ], [ %t, %l ]
  %q = getelementptr i32, ptr %p, i32 %i
  %v = load i32, ptr %q
  %w = call i32 @g(i32 %v)
  %t = add i32 %s, %w
  %j = add i32 %i, 1
  %c = icmp eq i32 %j, %n
  br i1 %c, label %e, label %l
e:
  ret i32 %t
}
"""


def test_passes_that_are_left_out_would_run() -> None:
    command = [str(zig_binary()), "clang", "-cc1", "-O2", "-emit-obj", "-x", "ir", "-", "-o", "-"]
    watch = ["-mllvm", "-opt-disable=nothing", "-mllvm", "-opt-disable-enable-verbosity"]
    done = subprocess.run([*command, *watch], input=MODULE.encode(), capture_output=True, check=True)
    ran = set(re.findall(rb"running pass (\S+) on ", done.stderr))
    assert not {name.encode() for name in _NOT_BRIEF} - ran
    watch[1] = f"-opt-disable={','.join(_NOT_BRIEF)}"
    done = subprocess.run([*command, *watch], input=MODULE.encode(), capture_output=True, check=True)
    ran = set(re.findall(rb"(?<!NOT )running pass (\S+) on ", done.stderr))
    assert ran
    assert not {name.encode() for name in _NOT_BRIEF} & ran
