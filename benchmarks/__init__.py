"""What waot costs and gives, measured beside its peers in one run. `python -m benchmarks --help`.

Every time is a minimum and a median over repetitions in which the contestants take turns, so that a change of the
machine's speed meets all of them; what is judged is a ratio of minima. Our own programs only (benchmarks/programs).
"""
