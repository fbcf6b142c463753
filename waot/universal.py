"""Universal targets: their parts are built as targets of their own, once for all that want them, and joined."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from waot.pipeline import Artifact
from waot.targets import Target


def build(single: Callable[[Sequence[Target]], list[Artifact]], targets: Sequence[Target]) -> list[Artifact]:
    """What `single` builds for targets without parts, for `targets` of which some may have parts."""
    parts = list(dict.fromkeys(part for target in targets for part in target.parts or (target,)))
    made = {artifact.target: artifact for artifact in single(parts)}
    return [
        _join(target, [made[part] for part in target.parts]) if target.parts else made[target] for target in targets
    ]


def _join(target: Target, parts: Sequence[Artifact]) -> Artifact:
    from waot.linker.fat import Slice, join

    assert all(part.image is None for part in parts)
    data = join([Slice(part.data, part.target.page_size) for part in parts])
    seconds, cached = sum(part.seconds for part in parts), all(part.cached for part in parts)
    return replace(parts[0], target=target, data=data, seconds=seconds, cached=cached)
