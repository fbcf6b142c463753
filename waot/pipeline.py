"""Bytes, Module, IR text, objects, image: the five steps of a build, in order.

    bytes    frontend.decode_module   ->  Module      sections; then every body is validated by frontend.collect_facts
    Module   lowering.make_plan       ->  Plan        whole-module decisions and the split into units
    Plan     lowering.lower_unit      ->  IR text     one text a unit, in a worker
    IR text  codegen.compile_unit     ->  objects     in the same worker; cached by content
    objects  linker.link_executable   ->  image

Bodies, where there are many, and units are worked on in processes of their own (units.py, workers.py), a step at a time
for all targets.

For several targets the module is decoded and validated once, and planned and lowered once for those of which lowering
is told the same but for the triple (`_Plans`). A target that fails fails the build: whoever ships for several wants all
of them, and what was compiled is in the cache for the next attempt.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from waot.cache import Cache, compiler_digest, digest
from waot.errors import CacheError, UsageError, WaotError
from waot.options import BuildOptions, Cpu, check_embedded, guest_path
from waot.progress import Progress
from waot.targets import Target
from waot.units import Job, compile_units, fingerprints, validate

if TYPE_CHECKING:
    from waot.codegen import CodegenOptions, Effort
    from waot.frontend.module import Facts, Module
    from waot.linker import Confinement, EmbeddedImage, Runtime
    from waot.lowering import LoweringOptions, Plan
    from waot.lowering.profiled import Guidance
    from waot.profile import Profile

# Modules up to this many operators are one unit with the shim, optimised as a whole; larger ones are split into units
# of UNIT_OPERATORS on average. Measured in docs/rationale.md.
SINGLE_UNIT_OPERATORS = 120_000
UNIT_OPERATORS = 40_000

# A module of more operators than this is compiled with a brief effort at -O2, and the least at -O1. At -O3 none.
BRIEF_OPERATORS = 5_000_000

# A unit has copies of the functions of other units that it calls, for the calls to be inlined, where these have no more
# operators than this: at -O2 and with a brief effort.
COPIED_OPERATORS = 40
BRIEFLY_COPIED_OPERATORS = 12


@dataclass(frozen=True, slots=True)
class Linked:
    """A module to link with the main one: what it is imported as, its bytes, and its file's name in messages."""

    name: str
    source: bytes
    file: str


@dataclass(frozen=True, slots=True)
class Artifact:
    """What a build makes for one target: `data`, and behind it what is embedded where that is not in it (`image`).

    `seconds` is the work that was done for this target alone, of all processes together; `cached` whether it was found.
    """

    target: Target
    data: bytes
    executable: bool
    image: EmbeddedImage | None = None
    header: bytes = b""  # for C code, where the target has no system
    seconds: float = 0.0
    cached: bool = False

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self.data) + (self.image.size if self.image is not None else 0)

    def write(self, file: BinaryIO) -> None:
        """Writes all of it. Raises OSError."""
        view = memoryview(self.data)
        while view:  # a file without a buffer may take less
            view = view[file.write(view) :]
        if self.image is not None:
            self.image.write(file)


def build(
    source: bytes,
    file: str,
    targets: Sequence[Target],
    options: BuildOptions,
    progress: Progress,
    links: Sequence[Linked] = (),
) -> list[Artifact]:
    """Compiles the module `source` for each of `targets`; `file` is its name in messages.

    `links` are instantiated before it, in this order, and it and those that follow import from them.

    Raises WaotError: MalformedError, InvalidError, UnsupportedError, LinkError, CodegenError or ToolError.
    """
    store = Cache.open(options.cache)
    images = _embed(options, targets, progress)
    profile = _read_profile(options)
    keys = [
        _artifact_key(source, file, target, options, links, images.get(target.endian), profile) for target in targets
    ]
    found = [store.get("artifact", key) for key in keys]
    headers = [
        store.get("header", key) if target.has_header(options.emit) else b""
        for target, key in zip(targets, keys, strict=True)
    ]
    missing = [target for target, *parts in zip(targets, found, headers, strict=True) if None in parts]
    made = iter(_build(source, file, missing, options, progress, store, links, images, profile) if missing else ())
    artifacts = []
    for target, key, data, header in zip(targets, keys, found, headers, strict=True):
        seconds, cached = 0.0, data is not None and header is not None
        if data is None or header is None:
            data, header, seconds = next(made)
            store.put("artifact", key, data)
            if header:
                store.put("header", key, header)
        else:
            progress.note(f"{target.name}: found in the cache")
        executable = target.product(options.emit) == "exe"
        image = images.get(target.endian)
        if image is not None and target.object_format == "macho":  # not behind the executable: its signature follows
            data, image = _with_embedded(data, image), None
        artifacts.append(Artifact(target, data, executable, image, header, seconds, cached))
    return artifacts


def _with_embedded(data: bytes, image: EmbeddedImage) -> bytes:
    from waot import linker

    try:
        return linker.finish_macho(data, image.read())
    except OSError as error:
        raise CacheError(f"what is embedded cannot be read back: {error.strerror}") from None


def _embed(options: BuildOptions, targets: Sequence[Target], progress: Progress) -> dict[str, EmbeddedImage]:
    """What is to be embedded, read now, for each byte order that a target has; nothing where nothing is."""
    images = {}
    if options.embeds and options.emit == "exe":
        from waot.linker.embed import make_image

        with progress.step("embedding"):
            for endian in sorted({target.endian for target in targets}):
                images[endian] = make_image(options.embeds, compress=options.compress, endian=endian)
    embedded = [directory.guest for image in [*images.values()][:1] for directory in image.directories]
    check_embedded(options.grants, embedded)
    names = set(map(guest_path, embedded))
    for overlay in options.grants.overlays:
        if guest_path(overlay.guest) not in names and options.emit == "exe":
            raise UsageError(
                f"{overlay.guest!r} is not embedded, so that nothing can be put on top of it",
                hint=f"use one of {', '.join(map(repr, embedded))}" if embedded else "use --dir",
            )
    return images


def load(
    source: bytes,
    file: str,
    links: Sequence[Linked],
    features: Sequence[str] | None,
    progress: Progress,
) -> Module:
    """The decoded module, linked with `links` where there are any; `features` are the proposals that they may use.

    Raises what decoding does, and LinkError.
    """
    from waot import frontend

    allowed = None if features is None else frozenset(features)
    main = frontend.decode_module(source, file, allowed)
    if not links:
        return main
    decoded: dict[tuple[bytes, str], Module] = {}  # two instances of one module share it
    for link in links:
        if (link.source, link.file) not in decoded:
            decoded[link.source, link.file] = frontend.decode_module(link.source, link.file, allowed)
    parts = [frontend.Part(link.name, decoded[link.source, link.file]) for link in links]
    program = frontend.link_modules([*parts, frontend.Part(None, main)], reactors=True)
    imported = {item.module for part in (*decoded.values(), main) for item in part.imports}
    for link in links:
        if link.name not in imported:
            progress.warning(f"{link.file}: no module imports from {link.name!r}, the name it is linked under")
    return program


def _artifact_key(
    source: bytes,
    file: str,
    target: Target,
    options: BuildOptions,
    links: Sequence[Linked],
    image: EmbeddedImage | None,
    profile: Profile | None,
) -> str:
    # `jobs` and `verbose` change nothing in the result.
    relevant = replace(options, jobs=1, verbose=0, cache=True, embeds=(), compress=False, profile_use=())
    linked = [part for link in links for part in (link.name, link.source, os.path.basename(link.file))]
    host = ""
    if options.cpu.name == "native":
        from waot.codegen.llvm import host_cpu

        host = repr(host_cpu())
    # Of what is embedded no more than is known to the executable before it.
    embedded = repr((image.size, image.directories)) if image is not None else ""
    counted = hashlib.sha256(repr(profile).encode()).hexdigest() if profile is not None else ""
    parts = (os.path.basename(file), repr(target), repr(relevant), host, embedded, counted)
    return digest(compiler_digest(), source, *parts, *linked)


def _build(
    source: bytes,
    file: str,
    targets: Sequence[Target],
    options: BuildOptions,
    progress: Progress,
    store: Cache,
    links: Sequence[Linked],
    images: Mapping[str, EmbeddedImage],
    profile: Profile | None,
) -> list[tuple[bytes, bytes, float]]:
    """What is made for each target, its header where it has one, and the seconds of work for it."""
    from waot import __version__
    from waot.codegen import make_codegen_options
    from waot.lowering import c_header, c_prefix, starts_threads
    from waot.profile import module_digest

    # The runtime and zig's files stay where they are without the cache too: they have nothing to do with the module.
    tools = (store if options.cache else Cache.open()).directory("zig")
    module = load(source, file, links, options.features, progress)
    facts = validate(module, options.jobs, progress, store)
    jobs: list[Job] = []
    threads = starts_threads(module)
    for target in targets if threads else ():
        target.check_has("threads", "the module starts some")
    if threads and options.multiversion is not None:
        raise UsageError("a program that starts threads has one version of its code", hint="leave out --multiversion")
    for target in targets:
        if target.freestanding and "threads" in facts.proposals:
            target.check_has("threads", "the module has atomic operations")
        if target.freestanding:
            _check_buffers(module, target)
    digest_ = module_digest([source, *(link.source for link in links)])
    guidance = None if profile is None else _guidance(profile, digest_, module, file, options, progress)
    instrument = None if options.profile_generate is None else digest_
    plans = _Plans(module, facts, options.emit == "exe", guidance)
    linked = [target for target in targets if _is_linked(target, options)]
    with _runtimes(linked, tools, options.jobs, progress, threads) as runtimes:
        cpus = [options.cpu] if options.multiversion is None else [Cpu(), Cpu(options.multiversion)]
        for target, cpu in product(targets, cpus):
            codegen = make_codegen_options(target, cpu, options.opt_level, options.emit)
            strategy = target.memory_strategy(options.memory)
            lowering = lowering_options(
                target, options, codegen, facts, exports=target.freestanding, image=images.get(target.endian)
            )
            lowering = replace(lowering, instrument=instrument)
            if target.freestanding:
                lowering = replace(lowering, c_prefix=c_prefix(file))
            origin, plan = plans.plan(target, lowering)
            codegen = replace(codegen, effort=_effort(options.opt_level, facts, plan))
            if plan.heap:
                target.check_has("objects", "the module makes objects or throws exceptions")
            waits = "threads" in facts.proposals
            runtime = runtimes.get(target.name)
            jobs.append(Job(target, strategy, plan, origin, codegen, runtime, waits, merged=len(cpus) == 1))
        compiled = compile_units(module, facts, jobs, options, progress, store)
        # The versions of a program come one after the other.
        programs = [range(first, first + len(cpus)) for first in range(0, len(jobs), len(cpus))]

        def finish(versions: range) -> tuple[bytes, bytes, float]:
            started = time.monotonic()
            job = jobs[versions[0]]
            units = [unit for version in versions for unit in compiled[version]]
            with progress.step("linking", target=job.target.name):
                made = [
                    [_placed(module, jobs[v], n, unit.data) for n, unit in enumerate(compiled[v])] for v in versions
                ]
                parts = made[0] if len(versions) == 1 else _join_versions(job, options, made)
                data = _finish(source, file, job, parts, options, tools, links, images.get(job.target.endian))
            header = b""
            if job.plan.interface is not None and job.target.has_header(options.emit):
                name = os.path.basename(file)
                header = c_header(job.plan.interface, job.plan.memories, name, __version__).encode()
            return data, header, sum(unit.seconds for unit in units) + time.monotonic() - started

        with ThreadPoolExecutor(min(options.jobs, len(jobs))) as pool:  # zig does the work
            return list(pool.map(finish, programs))


def _effort(opt_level: str, facts: Facts, plan: Plan) -> Effort:
    """What LLVM is to do for the functions of a module, but for those that are in one unit with the shim."""
    if opt_level == "1" and not plan.optimised:
        # The quick mode: who made the module has optimised it, so the passes have little to do.
        return "least" if _is_huge(facts) else "none"
    return "brief" if _is_brief(opt_level, facts) else "full"


def _is_brief(opt_level: str, facts: Facts) -> bool:
    return opt_level == "2" and _is_huge(facts)


def _is_huge(facts: Facts) -> bool:
    return sum(facts.sizes.values()) > BRIEF_OPERATORS


def _join_versions(job: Job, options: BuildOptions, versions: Sequence[Sequence[bytes]]) -> list[bytes]:
    """The objects of a program that carries its code twice, and the shim as one more."""
    from waot import linker
    from waot.codegen.llvm import compile_unit

    assert job.runtime is not None
    assert options.multiversion is not None
    runtime = job.runtime()
    parts = linker.join_versions(versions)
    wanted = linker.shim_symbols(parts) | set(runtime.entry_points)
    head = f'target datalayout = "{job.plan.options.data_layout}"\ntarget triple = "{job.plan.options.triple}"\n'
    level = f"@waot_better_level = hidden constant i32 {options.multiversion.rpartition('v')[2]}\n"
    return [*parts, compile_unit(head + level, runtime.bitcode, frozenset(wanted), job.codegen)]


class _Plans:
    """The plans of a build: one for all targets of which lowering would make the same but for the triple."""

    def __init__(self, module: Module, facts: Facts, executables: bool, profile: Guidance | None) -> None:
        self._module = module
        self._profile = profile
        self._facts = facts
        self._executables = executables
        # By the options without a triple: the number of a target, its plan, and what was asked about its segments.
        self._made: dict[LoweringOptions, list[tuple[int, Plan, dict[int, bool]]]] = {}
        self._count = 0

    def plan(self, target: Target, options: LoweringOptions) -> tuple[int, Plan]:
        """The plan for the next target, and the number of the first one that has the same."""
        from waot import linker
        from waot.lowering import make_plan

        number = self._count
        self._count += 1
        alike = self._made.setdefault(replace(options, triple=""), [])

        def mapped(size: int) -> bool:
            return self._executables and linker.image_as_segment(target, size)

        for origin, plan, answers in alike:
            if all(mapped(size) == answer for size, answer in answers.items()):
                return origin, replace(plan, options=options)
        asked: dict[int, bool] = {}

        def ask(size: int) -> bool:
            return asked.setdefault(size, mapped(size))

        plan = make_plan(self._module, self._facts, options, ask, self._profile)
        alike.append((number, plan, asked))
        return number, plan


def _check_buffers(module: Module, target: Target) -> None:
    """Raises UsageError for a memory that no buffer can be large enough for."""
    for number, memory in enumerate(module.memories):
        begins = memory.limits.minimum << memory.page_size_log2
        if begins >> target.pointer_bits:
            raise UsageError(
                f"target {target.name} has addresses of {target.pointer_bits} bits, and the module's memory {number} "
                f"begins with {begins:,} bytes",
                hint="compile the module with a smaller memory",
            )


def lowering_options(
    target: Target,
    options: BuildOptions,
    codegen: CodegenOptions,
    facts: Facts,
    *,
    exports: bool = False,
    image: EmbeddedImage | None = None,
) -> LoweringOptions:
    """What lowering is told of a build; `exports` as in `LoweringOptions`."""
    from waot.codegen.options import vectors
    from waot.lowering import LoweringOptions

    fma = False
    if "relaxed-simd" in facts.proposals:
        from waot.codegen.llvm import has_fma

        fma = has_fma(codegen)
    whole = options.emit in ("asm", "llvm-ir")  # one text is what the user asked for
    return LoweringOptions(
        triple=codegen.triple,
        data_layout=target.link_data_layout if codegen.triple == target.link_triple else target.data_layout,
        arch=target.arch,
        pointer_bits=target.pointer_bits,
        memory=target.memory_strategy(options.memory),
        static_base=target.static_base,
        opt_level=options.opt_level,
        vectors=vectors(target.arch, codegen),
        executable=target.product(options.emit) == "exe",
        exports=exports,
        heap_limit=options.max_heap or 0,
        unit_operators=UNIT_OPERATORS,
        single_unit_operators=1 << 62 if whole else SINGLE_UNIT_OPERATORS,
        copied_operators=_copied_operators(options, facts),
        relaxed_simd=options.relaxed_simd,
        embedded=image is not None,
        compressed=image is not None and any(each.compressed for each in image.directories),
        fma=fma,
        grants=options.grants,
        soft_float=target.cpu_abi == "ilp32",
    )


def _copied_operators(options: BuildOptions, facts: Facts) -> int:
    """How large functions are at most of which units have copies: none where LLVM inlines nothing, or calls count."""
    if options.opt_level in ("0", "1") or options.profile_generate is not None:
        return 0
    return BRIEFLY_COPIED_OPERATORS if _is_brief(options.opt_level, facts) else COPIED_OPERATORS


@contextmanager
def _runtimes(
    targets: Sequence[Target], directory: Path, jobs: int, progress: Progress, threads: bool
) -> Iterator[dict[str, Callable[[], Runtime]]]:
    """The shim for each target, found or built in threads (zig does the work) while the front end goes on."""
    from waot.linker import build_runtime

    def prepare(target: Target) -> Runtime:
        with ExitStack() as stack:

            def tell(what: str) -> None:
                progress.note(what)
                stack.enter_context(progress.step(what))

            return build_runtime(target, directory, tell, threads=threads)

    pool = ThreadPoolExecutor(max(1, min(jobs, len(targets))))
    try:
        yield {target.name: pool.submit(prepare, target).result for target in targets}
    finally:
        pool.shutdown(cancel_futures=True)  # of those that an error has made useless


def _finish(
    source: bytes,
    file: str,
    job: Job,
    parts: list[bytes],
    options: BuildOptions,
    tools: Path,
    links: Sequence[Linked],
    embedded: EmbeddedImage | None,
) -> bytes:
    from waot import __version__, linker

    if job.target.freestanding and _is_linked(job.target, options):
        return _freestanding(job, parts, options, tools)
    if options.emit != "exe":
        return parts[0] if len(parts) == 1 else linker.combine_objects(parts, job.target, tools)
    plan = job.plan
    manifest = linker.Manifest(
        grants=options.grants,
        stack_size=options.stack_size,
        version=__version__,
        target=job.target.name,
        memory=job.strategy,
        imports=tuple(plan.imports),
        module_sha256=hashlib.sha256(source).digest(),
        module_name=os.path.basename(file),
        linked=tuple(
            [
                linker.LinkedModule(link.name, os.path.basename(link.file), hashlib.sha256(link.source).digest())
                for link in links
            ]
        ),
        embedded=embedded.directories if embedded is not None else (),
        confinement=_confinement(job, options),
        profile=_profile_path(options, file),
    )
    image = None
    fixed = next((memory for memory in plan.memories if memory.base is not None), None)
    if fixed is not None:
        image = linker.MemoryImage(fixed.bytes, plan.image or b"")
    assert job.runtime is not None
    return linker.link_executable(
        parts,
        target=job.target,
        memory=job.strategy,
        manifest=linker.encode_manifest(manifest, job.target.endian),
        image=image,
        data_image=plan.data_image,
        embedded=embedded.size if embedded is not None else 0,
        runtime=job.runtime(),
        versions=not job.merged,
        cache_dir=tools,
    )


def _placed(module: Module, job: Job, unit: int, data: bytes) -> bytes:
    """The object of a unit as it is for the module at hand."""
    from waot.linker import placed
    from waot.lowering import line_distances

    distances = line_distances(module, job.plan, unit)
    return placed(data, distances, job.target) if distances else data


def _is_linked(target: Target, options: BuildOptions) -> bool:
    """Whether the result has the shim in it."""
    return options.emit == "exe" or target.has_header(options.emit)


def _freestanding(job: Job, parts: list[bytes], options: BuildOptions, tools: Path) -> bytes:
    from waot import linker

    interface = job.plan.interface
    assert interface is not None
    assert job.runtime is not None
    return linker.link_freestanding(
        parts,
        target=job.target,
        runtime=job.runtime(),
        visible={interface.init, *(function.symbol for function in interface.exports)},
        name=interface.prefix,
        library=options.emit == "exe",
        cache_dir=tools,
    )


def _confinement(job: Job, options: BuildOptions) -> Confinement:
    """What the executable gives up at its start: all but what its imports and its grants have a use for."""
    from waot import linker
    from waot.linker import confine

    if job.target.system == "freebsd":
        return linker.Confinement(capability_mode=True)
    if options.seccomp == "off" or job.target.system != "linux":  # seccomp is Linux's
        return linker.Confinement()
    facilities = {"objects"} if job.plan.heap else set()
    if job.plan.threads is not None:
        facilities.add("threads")
    if job.waits:
        facilities.add("waiting")
    grants = options.grants
    read_only = [directory.read_only for directory in grants.dirs] + [file.read_only for file in grants.files]
    granted = confine.READ if read_only else 0
    if not all(read_only):
        granted |= confine.WRITE
    functions = {name for _, name in job.plan.imports}
    if grants.overlays:
        granted |= confine.READ | confine.WRITE
        functions |= confine.OVERLAY_FUNCTIONS
    if grants.listen:
        granted |= confine.SOCKETS
    filters = confine.make_filters(job.target.arch, functions, facilities, granted, job.target.endian)
    return linker.Confinement(filters, options.seccomp == "required")


# ---------------------------------------------------------------- profiles


def _read_profile(options: BuildOptions) -> Profile | None:
    """What `options` say to compile by. Raises UsageError."""
    if not options.profile_use:
        return None
    from waot.profile import merge_profiles, read_profile

    profile = merge_profiles([(path, read_profile(path)) for path in options.profile_use])
    if not any(function.most for function in profile.functions.values()):
        raise UsageError(
            f"nothing was counted in {', '.join(map(repr, options.profile_use))}", hint="run the program that writes it"
        )
    return profile


def _profile_path(options: BuildOptions, file: str) -> str | None:
    """Where the program is to write its profile, if it is."""
    from waot.profile import SUFFIX

    if options.profile_generate is None:
        return None
    return options.profile_generate or Path(os.path.basename(file).strip("<>")).stem + SUFFIX


def _guidance(
    profile: Profile, digest_: bytes, module: Module, file: str, options: BuildOptions, progress: Progress
) -> Guidance:
    """What lowering is told of a profile; a warning says what of it does not fit. Raises UsageError if nothing does."""
    from waot.lowering.profiled import guidance
    from waot.profile import fit_profile

    if profile.module != digest_:
        names = ", ".join(map(repr, options.profile_use))
        profile, ran, lost = fit_profile(profile, module, lambda: fingerprints(module, options.jobs, progress))
        if lost == ran:
            raise UsageError(f"the profile {names} is of another module than {file}", hint="make it again")
        progress.warning(
            f"{file}: the profile {names} is of another version of the module: {lost:,} of {ran:,} functions that ran "
            "have changed, and are compiled without it"
        )
    return guidance(profile)


__all__ = ["Artifact", "Linked", "WaotError", "build", "load"]
