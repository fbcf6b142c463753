"""Hostile bytes, guided by what they reach in the decoder and the validator; needs atheris (`make fuzz-guided`).

    python -m tests.fuzz.guided [options of libFuzzer, such as -runs=100000 -max_total_time=600]

What is new is kept in the cache directory and gone on from the next time. A failure ends it and names the input's file.
"""

from __future__ import annotations

import random
import sys

import atheris

from tests import tools

with atheris.instrument_imports(include=["waot.frontend"]):
    from tests.fuzz import hostile
    from tests.fuzz.corpus import valid
    from tests.fuzz.mutating import MOST_BYTES, mutate


def _one_input(data: bytes) -> None:
    told, what = hostile.judge(data)
    what = what or hostile.disagreement(data, told)
    if what is not None:
        raise AssertionError(what)


def _mutated(data: bytes, most: int, seed: int) -> bytes:
    return mutate(data, valid(), random.Random(seed))[:most]


def main() -> None:
    kept = tools.cache_directory() / "fuzz" / "guided"
    kept.mkdir(parents=True, exist_ok=True)
    if not any(kept.iterdir()):
        for number, module in enumerate(valid()):
            (kept / f"suite-{number}").write_bytes(module)
    hostile.listen()
    options = [f"-max_len={MOST_BYTES}", f"-artifact_prefix={kept.parent}/guided-", "-timeout=30"]
    atheris.Setup([sys.argv[0], *options, *sys.argv[1:], str(kept)], _one_input, custom_mutator=_mutated)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
