"""The command line. A command parses its options, calls `waot.api` and prints; what it prints is decided here.

Start-up time is part of the product (a build from cache takes 0.3 s in all), so this module imports click and what the
options need; everything else is imported by the command that uses it.

Errors: every `WaotError` and every usage error is one line on standard error, with status 1 or 2. Any other exception
is a bug of ours; it too is one line, and ``WAOT_DEBUG=1`` (or ``waot --traceback``) shows where it comes from.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from waot import __version__
from waot.errors import UsageError, WaotError
from waot.options import EMITS, MEMORY_CHOICES, RELAXED_SIMD_CHOICES, BuildOptions
from waot.words import printable as _printable
from waot.words import readable_size as _size

if TYPE_CHECKING:
    from waot.api import Report
    from waot.linker.inspect import ExecutableInfo
    from waot.pipeline import Artifact
    from waot.targets import Target

_STATUS_INTERRUPTED = 130  # 128 + SIGINT, as shells report it
_STATUS_TERMINATED = 143
_STATUS_BROKEN_PIPE = 141


# ---------------------------------------------------------------------------------------------------- help in sections


class _Option(click.Option):
    """An option that knows under which heading of the manual it stands."""

    def __init__(self, *args: Any, section: str = "Options", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.section = section


class _OptionalValue(_Option):
    """An option whose value follows it behind an equals sign or not at all: the next word is never its value."""

    def __init__(self, *args: Any, flag_value: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._without_value = flag_value

    def add_to_parser(self, parser: Any, context: click.Context) -> None:
        super().add_to_parser(parser, context)
        match = parser._match_long_opt

        def match_long_opt(name: str, value: str | None, state: Any) -> None:
            match(name, self._without_value if value is None and name in self.opts else value, state)

        parser._match_long_opt = match_long_opt

    def get_help_record(self, context: click.Context) -> tuple[str, str] | None:
        record = super().get_help_record(context)
        return None if record is None else (record[0].replace(" [=", "[="), record[1])


class _Command(click.Command):
    """A command whose options are listed under headings, then examples (lines of `epilog`, kept as they are)."""

    def format_options(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(context):
            record = parameter.get_help_record(context)
            if record is not None and isinstance(parameter, click.Option):  # arguments stand in the text
                sections.setdefault(getattr(parameter, "section", "Options"), []).append(record)
        if "Options" in sections:  # --help, last
            sections["Options"] = sections.pop("Options")
        for heading, records in sections.items():
            with formatter.section(heading):
                formatter.write_dl(records, col_max=28)

    def format_epilog(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        _write_verbatim(self.epilog, formatter)


class _Group(click.Group):
    command_class = _Command

    def format_epilog(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        _write_verbatim(self.epilog, formatter)


def _write_verbatim(text: str | None, formatter: click.HelpFormatter) -> None:
    if text:
        formatter.write_paragraph()
        for line in text.strip("\n").splitlines():
            formatter.write(f"{line}\n")


_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

_Function = TypeVar("_Function", bound=Callable[..., Any])


def _option(*names: str, cls: type[_Option] = _Option, **settings: Any) -> Callable[[_Function], _Function]:
    return click.option(*names, cls=cls, **settings)


def _all(*decorators: Callable[[_Function], _Function]) -> Callable[[_Function], _Function]:
    def decorate(function: _Function) -> _Function:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate


_CODE, _GRANTS, _WORK = "The code", "What the program may do", "The work"

_features_option = _option(
    "--features",
    metavar="LIST",
    section="The module",
    help="The features of WebAssembly that the module may use: 'all', 'mvp', NAME or +NAME, -NAME; with commas, "
    "from left to right. The names are those that `waot inspect` shows: all,-gc,-threads  mvp,+simd.  [default: all]",
)

_code_options = _all(
    _option(
        "-O",
        "opt_level",
        metavar="LEVEL",
        default="2",
        section=_CODE,
        help="Optimise: -O0 (fastest build) to -O3 (fastest code), -Os or -Oz for size.  [default: 2]",
    ),
    _option(
        "--cpu",
        metavar="CPU",
        section=_CODE,
        help="The processor to compile for: a name of LLVM's, 'native' for this machine's, features with + and -, or "
        "both: x86-64-v3  native,-avx512f  +avx2,+bmi2. By default a baseline that nearly every machine has.",
    ),
    _option(
        "--memory",
        type=click.Choice(MEMORY_CHOICES),
        default="auto",
        section=_CODE,
        help="How linear memory is kept in bounds. static: at a constant address, the fastest; guarded: in reserved "
        "address space, with a position-independent executable; checked: by a comparison at each access.  "
        "[default: the target's best]",
    ),
    _option(
        "--relaxed-simd",
        type=click.Choice(RELAXED_SIMD_CHOICES),
        default="fast",
        section=_CODE,
        help="What relaxed vector instructions do where the specification leaves a choice. fast: what the processor's "
        "own instructions do; deterministic: the same everywhere.  [default: fast]",
    ),
    _option(
        "--stack-size",
        metavar="SIZE",
        default="8MiB",
        section=_CODE,
        help="Native stack of the program, in bytes or as 512KiB, 1MiB.  [default: 8MiB]",
    ),
    _option(
        "--max-heap",
        metavar="SIZE",
        section=_CODE,
        help="The most that objects of garbage collection and exceptions may take; more is the trap 'out of memory'. "
        "Linear memory is not in it.  [default: what the machine has]",
    ),
    _features_option,
)

_link_option = _option(
    "--link",
    "links",
    metavar="NAME=FILE",
    multiple=True,
    section="The modules",
    help="Link the module FILE: what modules import from NAME comes from it. May be repeated: modules are instantiated "
    "in the order given, each may import from those before it, and the main one comes last.",
)

_grant_options = _all(
    _option(
        "--dir",
        "dirs",
        metavar="HOST[::GUEST][:ro]",
        multiple=True,
        section=_GRANTS,
        help="Let it use the directory HOST, which it sees as GUEST; :ro for reading only. A relative HOST is looked "
        "up where the program is run. May be repeated.",
    ),
    _option(
        "--file",
        "files",
        metavar="HOST[::GUEST][:ro]",
        multiple=True,
        section=_GRANTS,
        help="Let it use the file HOST, which it sees as GUEST, and nothing else of its directory. Otherwise as --dir.",
    ),
    _option(
        "--embed",
        "embeds",
        metavar="HOST[::GUEST]",
        multiple=True,
        section=_GRANTS,
        help="Put the directory (or file) HOST into the executable: the program sees it as GUEST, for reading only, "
        "wherever it is run. May be repeated.",
    ),
    _option("--compress", is_flag=True, section=_GRANTS, help="Compress what is embedded."),
    _option(
        "--overlay",
        "overlays",
        metavar="HOST::GUEST",
        multiple=True,
        section=_GRANTS,
        help="Let it write to the embedded directory GUEST: what it writes goes to the directory HOST, where it finds "
        "it again the next time. May be repeated.",
    ),
    _option(
        "--env",
        metavar="NAME[=VALUE]",
        multiple=True,
        section=_GRANTS,
        help="Give it an environment variable: with VALUE, or with what NAME is when it is run. May be repeated.",
    ),
    _option(
        "--inherit-env",
        is_flag=True,
        section=_GRANTS,
        help="Give it the whole environment it is run in, but for variables whose names begin with WAOT_.",
    ),
    _option(
        "--arg",
        "args",
        metavar="TEXT",
        multiple=True,
        section=_GRANTS,
        help="An argument that it always gets, before those of the command line. May be repeated.",
    ),
    _option(
        "--listen",
        metavar="ADDR:PORT",
        multiple=True,
        section=_GRANTS,
        help="Give it a socket that listens there for TCP, as the descriptor behind those of directories: "
        "127.0.0.1:8080  [::]:80. Addresses are numbers. May be repeated.",
    ),
    _option(
        "--deterministic",
        metavar="[=SEED]",
        cls=_OptionalValue,
        flag_value="0",
        section=_GRANTS,
        help="Take from it the time and chance of the world: its clocks and random numbers follow from SEED (0 if not "
        "given) and are the same in each run. No secret can be made of such numbers.",
    ),
    _option(
        "--sealed",
        is_flag=True,
        section=_GRANTS,
        help="Let nobody grant more when it is run. Without this, who runs it may add grants in the environment: "
        "WAOT_DIR, WAOT_FILE, WAOT_LISTEN and WAOT_ENV, with ; between several, and WAOT_INHERIT_ENV=1.",
    ),
    _option(
        "--no-seccomp",
        is_flag=True,
        section=_GRANTS,
        help="Leave out the filter with which it gives up, on Linux, the system calls that its grants have no use for.",
    ),
    _option(
        "--require-seccomp",
        is_flag=True,
        section=_GRANTS,
        help="Do not let it run where the system refuses that filter; otherwise it then runs without.",
    ),
)

_json_option = _option(
    "--json", "as_json", is_flag=True, section=_WORK, help="Print the results as JSON, described below."
)

_work_options = _all(
    _option("--jobs", "-j", type=int, metavar="N", section=_WORK, help="Processes at work.  [default: all processors]"),
    _option("--no-cache", is_flag=True, section=_WORK, help="Neither read the cache nor write to it."),
    _option("-v", "--verbose", count=True, section=_WORK, help="Print the steps with their times; -vv says more."),
)


def _build_options(values: dict[str, Any]) -> BuildOptions:
    """The options that are common to `build` and `run`, as click gives them."""
    values["cache"] = not values.pop("no_cache")
    off, required = values.pop("no_seccomp"), values.pop("require_seccomp")
    if off and required:
        raise UsageError("--no-seccomp and --require-seccomp contradict each other", hint="use one of them")
    values["seccomp"] = "off" if off else "required" if required else "default"
    return BuildOptions.parse(**values)


# -------------------------------------------------------------------------------------------------------- the commands


def _show_version(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        click.echo(version_line())
        context.exit()


def version_line() -> str:
    """``waot 0.1.0 (LLVM 22.1.0, zig 0.17.1)``: what the output of a build depends on."""
    from importlib.metadata import version

    from waot.codegen.llvm import llvm_version

    return f"waot {__version__} (LLVM {llvm_version()}, zig {version('ziglang')})"


def _debug(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value:
        os.environ["WAOT_DEBUG"] = "1"  # workers inherit it


@click.group(
    cls=_Group,
    context_settings=_CONTEXT,
    epilog="""
Examples:
  waot build app.wasm                          ./app, for this machine
  waot build app.wasm --target aarch64-linux   ./app, for another
  waot build app.wasm --target all -o dist/    for all machines
  waot release app.wasm --version 1.2 --target all
  waot run app.wasm --dir . -- input.txt       build and run at once
  waot inspect app.wasm                        what a module needs

`waot COMMAND --help` explains a command.
""",
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version, help="Print the versions."
)
@click.option(
    "--traceback",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_debug,
    help="Where waot itself fails, show where in its code (also: WAOT_DEBUG=1).",
)
def cli() -> None:
    """Compile WebAssembly modules to native executables.

    An executable made by waot is one static file: it needs no runtime, and it can do only what it was granted when
    it was built. Modules use WASI preview 1, as made by clang, rustc, Go, zig and others.
    """


@cli.command(
    context_settings=_CONTEXT,
    epilog="""
Examples:
  waot build app.wasm
  waot build app.wasm -o bin/app -O3 --cpu x86-64-v3
  waot build app.wasm --target linux/amd64,linux/arm64 -o 'dist/app-{target}'
  waot build app.wasm --target all -o dist/
  waot build app.wasm --target linux --emit oci --oci-name app:1.2 -o app.tar
  waot build app.wasm --dir data::/data:ro --env LANG=C
  waot build app.wasm --file /etc/app.conf:ro --listen 127.0.0.1:8080 --sealed
  waot build app.wasm --link math=libmath.wasm
  waot build app.wasm --emit asm -o -

Without -o the result is called after FILE: app.wasm makes app, or app-TARGET where there are
several targets, in the current directory; a directory is made if it does not exist. Where a
system's executables end in .exe, so do these names, but for one that -o gives in full.

Nothing is ever half-written: all outputs appear whole, or none does. If one target fails, none is
written; what was compiled of the others is in the cache. Several targets end with a table of
target, file, size, seconds of work and SHA-256. The status is 0, 1 for an error, 2 for wrong usage.

--emit exe makes for a target without a system (those of the group none) a static library for C
programs, OUT.a, with OUT.h beside it; these targets are not among all.

--json prints one object in place of the table. Its keys: version (waot's), module (file, sha256),
seconds (from beginning to end), targets (a list of target, file, size in bytes, sha256, seconds,
cached, tier, checked) and files (a list of file, size, sha256: what else was written). Of an image,
size is that of a platform's blobs, and sha256 its manifest's digest.

--emit oci makes a container image for all the targets, with nothing in it but the program: a
directory in the OCI image layout, or an archive of it where OUT ends in .tar, which `docker load`,
`podman load` and `skopeo copy oci-archive:OUT` take. A group of targets is here those of it that
containers have a name for. Directories are granted in it as elsewhere: with --dir /data::/data,
mount something at /data.

What a program was granted is shown by `waot inspect app`, and by the program itself when it is
run with WAOT_INFO=1. Descriptors for it begin at 3: the directories in the order given, then the
directories that granted files stand in, then the sockets. Unless it is sealed, who runs it adds
grants with the same words, separated by semicolons: WAOT_DIR='data::/data;/srv:ro' ./app. They
never change what the builder granted, and a bad one ends the program before it begins, status 1.
""",
)
@click.argument("file", metavar="FILE")
@_link_option
@_option(
    "-o",
    "--output",
    metavar="OUT",
    section="The result",
    help="Where to write: a file, a directory (which ends in / or exists), a name with {target} in it, or - for "
    "standard output. For several targets a directory or a name with {target}.",
)
@_option(
    "--target",
    "targets",
    metavar="TARGET",
    multiple=True,
    section="The result",
    help="The machine to compile for, or a group of them: all, linux, tier1. `waot targets` lists both. May be "
    "repeated, or have commas.  [default: this machine]",
)
@_option(
    "--emit",
    type=click.Choice(EMITS),
    default="exe",
    section="The result",
    help="What to write: an executable, an earlier stage of it, or a container image.  [default: exe]",
)
@_option("--oci-name", metavar="NAME[:TAG]", section="The result", help="What the image is called.  [default: FILE's]")
@_option(
    "--oci-user",
    metavar="UID[:GID]",
    section="The result",
    help="Whom a container runs the program as.  [default: 65532:65532]",
)
@_code_options
@_grant_options
@_work_options
@_json_option
def build(
    file: str,
    output: str | None,
    targets: Sequence[str],
    links: Sequence[str],
    oci_name: str | None,
    oci_user: str | None,
    as_json: bool,
    **values: Any,
) -> None:
    """Compile the module FILE to a native executable.

    FILE is a WebAssembly module, in the binary format or (with the extra waot[wat] installed) in the text format;
    - is standard input.
    """
    from waot import api
    from waot.outputs import STDOUT
    from waot.progress import Progress

    options = _build_options(values)
    if as_json and output == STDOUT:
        raise UsageError("--json and -o - both write to standard output", hint="use -o FILE")
    with Progress(options.verbose) as progress:
        chosen = api.choose_targets(targets, options.emit)
        report = api.build_files(file, output, chosen, options, progress, links, oci_name, oci_user)
    if as_json or (output != STDOUT and len(report.results) > 1):
        _report(report, as_json)
    elif options.verbose or _stderr_is_terminal():
        for result in report.results:
            line = f"{_printable(str(result.output))}: {result.target}, {_size(result.size)}, {report.seconds:.2f} s"
            click.echo(line, err=True)
        for also in report.files:
            click.echo(f"{_printable(str(also.output))}: {_size(also.size)}", err=True)


def _report(report: Report, as_json: bool) -> None:
    from waot.reports import report_json, report_table

    click.echo(report_json(report) if as_json else report_table(report), nl=False)


@cli.command(
    context_settings=_CONTEXT,
    epilog="""
Examples:
  waot release app.wasm --version 1.2.3
  waot release app.wasm --name tool --version 1.2.3 --target all -o dist/
  waot release app.wasm --version 1.2.3 --target linux --include LICENSE --include man.1::doc/tool.1
  SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) waot release app.wasm --version 1.2.3

The files are, in the directory OUT:

  NAME-VERSION-TARGET.tar.gz   for each target; NAME-VERSION-TARGET.zip for Windows and macOS.
                               In it one directory NAME-VERSION-TARGET with the executable NAME
                               (NAME.exe on Windows) and what --include adds
  NAME-VERSION.cdx.json        what all this is made of: a CycloneDX 1.6 bill of materials
  SHA256SUMS                   the digests of these, for `sha256sum --check`

They are the same to the byte on every machine, in every directory, with any --jobs. Their times are
SOURCE_DATE_EPOCH where that is set, otherwise 1970 (1980 in a zip file, which has no earlier ones).
All of them appear, or none does. --json prints what it does for `waot build`, where files are
those that belong to no target.
""",
)
@click.argument("file", metavar="FILE")
@_link_option
@_option("--version", metavar="VERSION", required=True, section="The release", help="The release's version: 1.2.3.")
@_option("--name", metavar="NAME", section="The release", help="The program's name.  [default: FILE's]")
@_option(
    "--include",
    "includes",
    metavar="FILE[::NAME]",
    multiple=True,
    section="The release",
    help="Put FILE beside the executable, under NAME (which may have directories). May be repeated.",
)
@_option(
    "-o",
    "--output",
    metavar="OUT",
    default="dist",
    section="The release",
    help="The directory to write to; it is made if it does not exist.  [default: dist]",
)
@_option(
    "--target",
    "targets",
    metavar="TARGET",
    multiple=True,
    section="The release",
    help="The machines to release for: targets and groups, as for `waot build`.  [default: this machine]",
)
@_code_options
@_grant_options
@_work_options
@_json_option
def release(
    file: str,
    output: str,
    targets: Sequence[str],
    links: Sequence[str],
    name: str | None,
    version: str,
    includes: Sequence[str],
    as_json: bool,
    **values: Any,
) -> None:
    """Compile the module FILE for several machines and pack what is to be published.

    Makes an archive for each target, their SHA-256 digests, and a bill of materials (SBOM). FILE is a module as for
    `waot build`, and so are the options that say what the program may do.
    """
    from waot import api
    from waot.progress import Progress

    options = _build_options(values)
    described = api.make_release(file, name, version, includes)
    with Progress(options.verbose) as progress:
        chosen = api.choose_targets(targets)
        report = api.release_files(file, output, chosen, options, progress, links, described)
    _report(report, as_json)


@cli.command(
    context_settings=_CONTEXT,
    epilog="""
Examples:
  waot run app.wasm
  waot run app.wasm --dir . -- --verbose input.txt
  waot run app.wasm --target aarch64-linux

The status is the program's own; 134 where it trapped. Before it starts: 1 for an error, 2 for
wrong usage.
""",
)
@click.argument("file", metavar="FILE")
@click.argument("arguments", metavar="[-- ARGUMENTS...]", nargs=-1, type=click.UNPROCESSED)
@_link_option
@_option(
    "--target",
    metavar="TARGET",
    section="The result",
    help="Run it as an executable for TARGET, under an emulator where this machine is another.",
)
@_code_options
@_grant_options
@_work_options
def run(file: str, arguments: Sequence[str], target: str | None, links: Sequence[str], **values: Any) -> None:
    """Compile the module FILE and run it.

    What was compiled is kept in the cache: the second run of a module starts at once. Nothing else is written.
    """
    from waot import api
    from waot.progress import Progress
    from waot.targets import find_target, host_target

    options = _build_options(values)
    chosen = find_target(target) if target else host_target()
    emulator = _emulator(chosen)
    source, shown = api.read_module(file)
    linked = api.read_links(links, file)
    with Progress(options.verbose) as progress:
        [artifact] = api.compile_module(source, shown, [chosen], options, progress, linked)
    name = "-" if file == api.STDIN else os.path.basename(file)
    _execute(artifact, emulator, [name, *arguments])


@cli.command(context_settings=_CONTEXT)
@click.argument("file", metavar="FILE")
@_link_option
@_features_option
def validate(file: str, links: Sequence[str], features: str | None) -> None:
    """Check that FILE is a valid WebAssembly module.

    Prints that it is, or what is wrong and at which byte, with status 1. With --link, that the modules are valid and
    that their imports of one another exist and have the right types.
    """
    from waot import api
    from waot.progress import Progress

    with Progress() as progress:
        api.validate(file, progress, links=links, features=features)
    click.echo(f"{'<stdin>' if file == api.STDIN else _printable(file)}: valid")


@cli.command(context_settings=_CONTEXT)
@click.argument("file", metavar="FILE")
@_option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def inspect(file: str, as_json: bool) -> None:
    """Show what FILE is made of.

    Of a module: its sections, imports, exports, features and sizes. Of an executable that waot made: its target,
    format, memory, what it was granted and what it imports.
    """
    from waot import api

    found = api.inspect(file)
    if not as_json and api.is_executable(found):
        _show_executable(found)
    else:
        _show(found, as_json)


@cli.command(context_settings=_CONTEXT)
@_option("--cpus", metavar="TARGET", help="List instead what --cpu accepts for TARGET.")
@_option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def targets(cpus: str | None, as_json: bool) -> None:
    """List the machines that waot compiles for.

    TIER is 1 for what most people ship for, 2 for what fewer do, 3 for the rest. CHECKED says whether waot's tests
    execute programs for it or only inspect them, RUNS HERE whether this machine runs them. A name of a target, of a
    group or of those under ALSO CALLED is what --target takes, and what Docker and Rust call it: linux/arm64.
    """
    from waot.targets import find_target, known_cpus, load_targets, target_groups

    if cpus is not None:
        target = find_target(cpus)
        target.check_one_cpu("--cpus")
        known = known_cpus(target.arch)
        lists = {"baseline": target.cpu_baseline, "cpus": sorted(known.names), "features": sorted(known.features)}
        _show(lists, as_json)
        return
    if as_json:
        _show([_target_fields(target) for target in load_targets().values()], as_json)
        return
    rows = [("TARGET", "TIER", "CHECKED", "RUNS HERE", "CPU", "MEMORY", "LACKS", "ALSO CALLED")]
    for target in load_targets().values():
        rows.append(
            (
                target.name,
                str(target.tier),
                target.checked,
                _runs_here(target),
                target.cpu_baseline,
                " ".join(target.memory_supported),
                " ".join(target.lacks),
                " ".join(alias for alias in target.aliases if alias.count("-") < 2),
            )
        )
    empty = {column for column, cells in enumerate(zip(*rows[1:], strict=True)) if not any(cells)}
    _table([[cell for column, cell in enumerate(row) if column not in empty] for row in rows])
    click.echo()
    _table([("GROUP", "TARGETS"), *((name, str(len(group))) for name, group in target_groups().items())])


@cli.group(context_settings=_CONTEXT)
def cache() -> None:
    """Look at the cache of compiled code, or empty it.

    It is in $WAOT_CACHE_DIR, or $XDG_CACHE_HOME/waot, or ~/.cache/waot, and holds at most $WAOT_CACHE_SIZE (2GiB).
    """


@cache.command(context_settings=_CONTEXT)
@_option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def info(as_json: bool) -> None:
    """Say where the cache is and what it holds."""
    from waot.cache import Cache

    found = Cache.open().info()
    if as_json:
        _show(found, as_json)
        return
    click.echo(f"directory: {found.root or 'none'}")
    click.echo(f"entries:   {found.entries}, {_size(found.bytes)} of at most {_size(found.limit)}")
    for kind, (entries, size) in found.kinds.items():
        click.echo(f"  {kind}: {entries}, {_size(size)}")
    click.echo(f"tools:     {_size(found.tools_bytes)}")


@cache.command(context_settings=_CONTEXT)
def clear() -> None:
    """Remove everything in the cache."""
    from waot.cache import Cache

    Cache.open().clear()


# ------------------------------------------------------------------------------------------------------------- running


def _emulator(target: Target) -> str | None:
    """The program that runs `target`'s executables here, None where this machine does. Raises WaotError."""
    import shutil

    if target.is_host():
        return None
    path = shutil.which(target.emulator) if target.emulator else None
    if path is None:
        need = f"install {target.emulator}" if target.emulator else "there is no emulator for it"
        raise WaotError(
            f"this machine cannot run executables for {target.name}",
            hint=f"{need}, or use `waot build --target {target.name}`",
        )
    return path


def _execute(artifact: Artifact, emulator: str | None, arguments: list[str]) -> NoReturn:
    """Becomes the program `artifact`, with `arguments` (its name first)."""
    sys.stdout.flush()
    sys.stderr.flush()
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)  # as it was before Python and `main`
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and ignored signals stay ignored
    # In memory: nothing is left behind, however the program ends.
    with contextlib.suppress(OSError, AttributeError):
        memory = os.memfd_create("waot", 0)
        try:
            with open(memory, "wb", closefd=False) as file:
                artifact.write(file)
            if emulator is None:
                os.set_inheritable(memory, False)
                os.execve(memory, arguments, os.environ)
            os.execv(emulator, [emulator, "-0", arguments[0], f"/proc/self/fd/{memory}", *arguments[1:]])
        finally:
            os.close(memory)
    # A system without memfd, or that forbids executing them: a file, and a parent that removes it.
    import subprocess
    import tempfile

    try:
        with tempfile.TemporaryDirectory(prefix="waot-") as directory:
            program = os.path.join(directory, "program")
            with open(program, "wb") as file:
                artifact.write(file)
            os.chmod(program, 0o700)
            command = [emulator, "-0", arguments[0], program] if emulator else [arguments[0]]
            child = subprocess.Popen([*command, *arguments[1:]], executable=emulator or program)
            signal.signal(signal.SIGTERM, lambda number, frame: child.send_signal(number))
            signal.signal(signal.SIGINT, lambda number, frame: None)  # the terminal sends it to the child as well
            status = child.wait()
    except OSError as error:
        raise WaotError(f"the program cannot be started: {error.strerror}") from None
    sys.exit(status if status >= 0 else 128 - status)


# ------------------------------------------------------------------------------------------------------------ printing


def _stderr_is_terminal() -> bool:
    try:
        return sys.stderr.isatty()
    except (AttributeError, ValueError):
        return False


def _runs_here(target: Target) -> str:
    import shutil

    if target.is_host():
        return "yes"
    return "emulated" if target.emulator and shutil.which(target.emulator) else "no"


def _target_fields(target: Target) -> dict[str, Any]:
    from waot.targets import target_groups

    groups = [name for name, group in target_groups().items() if target in group]
    return dataclasses.asdict(target) | {
        "platform": target.platform,
        "groups": groups,
        "runs_here": _runs_here(target),
    }


def _table(rows: Sequence[Sequence[str]], indent: str = "") -> None:
    from waot.reports import aligned

    click.echo(aligned(rows, indent), nl=False)


def _plain(value: Any) -> Any:
    """`value` in what JSON has."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(_plain(item) for item in value)
    if isinstance(value, bytes):
        return value.hex()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)


def _show(value: Any, as_json: bool) -> None:
    """Prints a dataclass, or a dictionary, as JSON or for a person: scalars on lines, lists of records as tables."""
    plain = _plain(value)
    if as_json:
        import json

        click.echo(json.dumps(plain, indent=2))
        return
    _show_fields(plain, "")


def _show_executable(info: ExecutableInfo) -> None:
    """An executable, what it may do before how it is laid out."""
    from waot.linker.describe import describe

    manifest = info.manifest
    click.echo(f"{info.format} for {manifest.target}, {_size(info.size)}, made by waot {manifest.version}")
    for line in describe(manifest):
        click.echo(line)
    _show_system_calls(info)
    _show_fields(_plain({"sections": info.sections, "segments": info.segments}), "")


def _show_system_calls(info: ExecutableInfo) -> None:
    before: frozenset[str] = frozenset()
    for calls in info.system_calls:
        if more := sorted(frozenset(calls.names) - before):
            click.echo(f"system calls {f'with {calls.grants}' if before else 'allowed'}:")
            click.echo(click.wrap_text(" ".join(more), 100, "  ", "  "))
        before |= frozenset(calls.names)


def _show_fields(fields: dict[str, Any], indent: str) -> None:
    for key, item in fields.items():
        title = indent + _printable(key.replace("_", " "))
        if item is None or item in ([], {}):
            continue
        if isinstance(item, dict):
            click.echo(f"{title}:")
            _show_fields(item, indent + "  ")
        elif isinstance(item, list) and isinstance(item[0], dict):
            click.echo(f"{title}:")
            heading = [name.replace("_", " ") for name in item[0]]
            _table([heading, *([_cell(cell) for cell in record.values()] for record in item)], indent + "  ")
        elif isinstance(item, list) and isinstance(item[0], list):
            click.echo(f"{title}:")
            _table([[_cell(cell) for cell in record] for record in item], indent + "  ")
        else:
            click.echo(f"{title}: {_cell(item)}")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " ".join(map(_cell, value))
    return _printable(str(value))


# ---------------------------------------------------------------------------------------------------- start and errors


def _fail(text: str, status: int) -> NoReturn:
    with contextlib.suppress(OSError, ValueError):
        print(f"waot: error: {_printable(' '.join(text.split()))}", file=sys.stderr, flush=True)
    _leave(status)


def _leave(status: int) -> NoReturn:
    """Exits; what is still in the buffer of a standard output that nobody reads is dropped in silence."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.exit(status)


def _handle_signals() -> None:
    """Makes SIGINT and SIGTERM end the command at once, by an exception, so that temporary files are removed.

    Workers inherit the handler. They end on the spot, and are ended: LLVM may be busy for a minute with a unit before
    Python hears of a signal, and the pool would wait for that.
    """
    main_process = os.getpid()

    def end(number: int, frame: FrameType | None) -> None:
        status = _STATUS_INTERRUPTED if number == signal.SIGINT else _STATUS_TERMINATED
        if os.getpid() != main_process:
            os._exit(status)
        if "multiprocessing" in sys.modules:
            import multiprocessing

            for worker in multiprocessing.active_children():
                worker.kill()
        sys.exit(status)

    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) != signal.SIG_IGN:  # `nohup`, or a shell's background job
            signal.signal(number, end)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """The program `waot`. Never returns: exits with the status of the command."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    _handle_signals()
    try:
        if "_WAOT_COMPLETE" in os.environ:  # a shell asks for completions
            cli.main(given, prog_name="waot")
        with cli.make_context("waot", given) as context:
            cli.invoke(context)
        sys.stdout.flush()
    except click.exceptions.Exit as leave:
        _leave(leave.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.format_message(), file=sys.stderr)
        _leave(2)
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "waot"
        _fail(f"{error.format_message().rstrip('.')}; see `{command} --help`", 2)
    except click.ClickException as error:
        _fail(error.format_message(), error.exit_code)
    except WaotError as error:
        if os.environ.get("WAOT_DEBUG"):
            _print_traceback()
        _fail(str(error), error.exit_status)
    except (KeyboardInterrupt, click.Abort):
        _leave(_STATUS_INTERRUPTED)
    except BrokenPipeError:
        _leave(_STATUS_BROKEN_PIPE)
    except MemoryError:
        _fail("out of memory; fewer --jobs need less", 1)
    except Exception as error:
        if os.environ.get("WAOT_DEBUG"):
            _print_traceback()
        _fail(f"a bug in waot, please report it: {_where(error)}; WAOT_DEBUG=1 shows the traceback", 1)
    sys.exit(0)


def _print_traceback() -> None:
    import traceback

    traceback.print_exc()


def _where(error: BaseException) -> str:
    """``KeyError: 'x' (plan.py:123)``: the error and the line of ours that it came from."""
    trace = error.__traceback__
    place = ""
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if os.sep + "waot" + os.sep in file:
            place = f" ({os.path.basename(file)}:{trace.tb_lineno})"
        trace = trace.tb_next
    return f"{type(error).__name__}: {error}{place}"
