"""The command line. A command parses its options, calls `waot.api` and prints; what it prints is decided here.

Start-up time is part of the product (a build from cache takes 0.3 s in all), so this module imports click and what the
options need; everything else is imported by the command that uses it.

Errors: every `WaotError` and every usage error is one line on standard error, with status 1 or 2. Any other exception
is a bug of ours; it too is one line, and ``WAOT_DEBUG=1`` (or ``waot --traceback``) shows where it comes from.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

import click

from waot import __version__
from waot.cli.options import (
    CONTEXT,
    Group,
    build_options,
    code_options,
    features_option,
    grant_options,
    json_option,
    link_option,
    option,
    profile_generate_option,
    work_options,
)
from waot.cli.printing import runs_here, show, show_executable, show_table, stderr_is_terminal, target_fields
from waot.cli.running import emulator_for, execute
from waot.errors import UsageError, WaotError
from waot.options import EMITS, parse_link
from waot.words import printable as _printable
from waot.words import readable_size as _size

if TYPE_CHECKING:
    from waot.api import Report
    from waot.pipeline import Artifact

_STATUS_INTERRUPTED = 130  # 128 + SIGINT, as shells report it
_STATUS_TERMINATED = 143
_STATUS_BROKEN_PIPE = 141


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
    cls=Group,
    context_settings=CONTEXT,
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
    context_settings=CONTEXT,
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
  waot build app.wasm --profile-generate
  waot build app.wasm --profile-use app.waotprof --target all

Without -o the result is called after FILE: app.wasm makes app, or app-TARGET where there are
several targets, in the current directory; a directory is made if it does not exist. Where a
system's executables end in .exe, so do these names, but for one that -o gives in full.

Nothing is ever half-written: all outputs appear whole, or none does. If one target fails, none is
written; what was compiled of the others is in the cache. Several targets end with a table of
target, file, size, seconds of work and SHA-256. The status is 0, 1 for an error, 2 for wrong usage.

--emit exe makes for a target without a system (those of the group none) a static library for C
programs, OUT.a, with OUT.h beside it; these targets are not among all.

A program built with --profile-generate counts from its start to its end, however that comes, into
a file that is there from the start. Run it with what it is made for, as often as you like: runs
add up, several at a time among them. A file that another version of the program has written
begins anew; one that is no profile is left alone, and the program ends with status 1. The profile
is about the module, not about the program: it holds for every target, -O level and --cpu. Of a
module that has changed since it holds for the functions that have not, and a warning says of how
many it does not.

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
@link_option
@option(
    "-o",
    "--output",
    metavar="OUT",
    section="The result",
    help="Where to write: a file, a directory (which ends in / or exists), a name with {target} in it, or - for "
    "standard output. For several targets a directory or a name with {target}.",
)
@option(
    "--target",
    "targets",
    metavar="TARGET",
    multiple=True,
    section="The result",
    help="The machine to compile for, or a group of them: all, linux, tier1. `waot targets` lists both. May be "
    "repeated, or have commas.  [default: this machine]",
)
@option(
    "--emit",
    type=click.Choice(EMITS),
    default="exe",
    section="The result",
    help="What to write: an executable, an earlier stage of it, or a container image.  [default: exe]",
)
@option("--oci-name", metavar="NAME[:TAG]", section="The result", help="What the image is called.  [default: FILE's]")
@option(
    "--oci-user",
    metavar="UID[:GID]",
    section="The result",
    help="Whom a container runs the program as.  [default: 65532:65532]",
)
@code_options
@profile_generate_option
@grant_options
@work_options
@json_option
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

    options = build_options(values)
    if as_json and output == STDOUT:
        raise UsageError("--json and -o - both write to standard output", hint="use -o FILE")
    with Progress(options.verbose) as progress:
        chosen = api.choose_targets(targets, options.emit)
        report = api.build_files(file, output, chosen, options, progress, links, oci_name, oci_user)
    if as_json or (output != STDOUT and len(report.results) > 1):
        _report(report, as_json)
    elif options.verbose or stderr_is_terminal():
        for result in report.results:
            line = f"{_printable(str(result.output))}: {result.target}, {_size(result.size)}, {report.seconds:.2f} s"
            click.echo(line, err=True)
        for also in report.files:
            click.echo(f"{_printable(str(also.output))}: {_size(also.size)}", err=True)


def _report(report: Report, as_json: bool) -> None:
    from waot.reports import report_json, report_table

    click.echo(report_json(report) if as_json else report_table(report), nl=False)


@cli.command(
    context_settings=CONTEXT,
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
@link_option
@option("--version", metavar="VERSION", required=True, section="The release", help="The release's version: 1.2.3.")
@option("--name", metavar="NAME", section="The release", help="The program's name.  [default: FILE's]")
@option(
    "--include",
    "includes",
    metavar="FILE[::NAME]",
    multiple=True,
    section="The release",
    help="Put FILE beside the executable, under NAME (which may have directories). May be repeated.",
)
@option(
    "-o",
    "--output",
    metavar="OUT",
    default="dist",
    section="The release",
    help="The directory to write to; it is made if it does not exist.  [default: dist]",
)
@option(
    "--target",
    "targets",
    metavar="TARGET",
    multiple=True,
    section="The release",
    help="The machines to release for: targets and groups, as for `waot build`.  [default: this machine]",
)
@code_options
@grant_options
@work_options
@json_option
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

    options = build_options(values)
    described = api.make_release(file, name, version, includes)
    with Progress(options.verbose) as progress:
        chosen = api.choose_targets(targets)
        report = api.release_files(file, output, chosen, options, progress, links, described)
    _report(report, as_json)


@cli.command(
    context_settings=CONTEXT,
    epilog="""
Examples:
  waot run app.wasm
  waot run app.wasm --dir . -- --verbose input.txt
  waot run app.wasm --target aarch64-linux
  waot run --watch app.wasm -- --port 8080

The status is the program's own; 134 where it trapped. Before it starts: 1 for an error, 2 for
wrong usage.

With --watch the program is built and started again whenever FILE, or a module that is linked,
changes; only what changed is compiled. The one that runs goes on until the next is built, is then
asked to end (SIGTERM), and after five seconds made to. A module that is not right is an error
message, and the next change is waited for. Ctrl-C ends the program and the command, with status
130.
""",
)
@click.argument("file", metavar="FILE")
@click.argument("arguments", metavar="[-- ARGUMENTS...]", nargs=-1, type=click.UNPROCESSED)
@link_option
@option(
    "--target",
    metavar="TARGET",
    section="The result",
    help="Run it as an executable for TARGET, under an emulator where this machine is another.",
)
@option(
    "--watch",
    is_flag=True,
    section="The result",
    help="Build and start it again whenever a module changes, until Ctrl-C.",
)
@code_options
@profile_generate_option
@grant_options
@work_options
def run(
    file: str, arguments: Sequence[str], target: str | None, watch: bool, links: Sequence[str], **values: Any
) -> None:
    """Compile the module FILE and run it.

    What was compiled is kept in the cache: the second run of a module starts at once. Nothing else is written.
    """
    from waot import api
    from waot.progress import Progress
    from waot.targets import find_target, host_target

    options = build_options(values)
    chosen = find_target(target) if target else host_target()
    emulator = emulator_for(chosen)
    words = ["-" if file == api.STDIN else os.path.basename(file), *arguments]

    def build() -> Artifact:
        source, shown = api.read_module(file)
        linked = api.read_links(links, file)
        with Progress(options.verbose) as progress:
            [artifact] = api.compile_module(source, shown, [chosen], options, progress, linked)
        return artifact

    if watch:
        from waot.cli.watching import watch as keep_running

        keep_running([file, *(parse_link(link).file for link in links)], build, emulator, words)
    execute(build(), emulator, words)


@cli.command(context_settings=CONTEXT)
@click.argument("file", metavar="FILE")
@link_option
@features_option
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


@cli.command(context_settings=CONTEXT)
@click.argument("file", metavar="FILE")
@option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def inspect(file: str, as_json: bool) -> None:
    """Show what FILE is made of.

    Of a module: its sections, imports, exports, features and sizes. Of an executable that waot made: its target,
    format, memory, what it was granted and what it imports. Of a profile: the functions that ran most.
    """
    from waot import api

    found = api.inspect(file)
    if not as_json and api.is_executable(found):
        show_executable(found)
    else:
        show(found, as_json)


@cli.command(context_settings=CONTEXT)
@option("--cpus", metavar="TARGET", help="List instead what --cpu accepts for TARGET.")
@option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
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
        show(lists, as_json)
        return
    if as_json:
        show([target_fields(target) for target in load_targets().values()], as_json)
        return
    rows = [("TARGET", "TIER", "CHECKED", "RUNS HERE", "CPU", "MEMORY", "LACKS", "ALSO CALLED")]
    for target in load_targets().values():
        rows.append(
            (
                target.name,
                str(target.tier),
                target.checked,
                runs_here(target),
                target.cpu_baseline,
                " ".join(target.memory_supported),
                " ".join(target.lacks),
                " ".join(alias for alias in target.aliases if alias.count("-") < 2),
            )
        )
    empty = {column for column, cells in enumerate(zip(*rows[1:], strict=True)) if not any(cells)}
    show_table([[cell for column, cell in enumerate(row) if column not in empty] for row in rows])
    click.echo()
    show_table([("GROUP", "TARGETS"), *((name, str(len(group))) for name, group in target_groups().items())])


@cli.group(context_settings=CONTEXT)
def cache() -> None:
    """Look at the cache of compiled code, or empty it.

    It is in $WAOT_CACHE_DIR, or $XDG_CACHE_HOME/waot, or ~/.cache/waot, and holds at most $WAOT_CACHE_SIZE (2GiB).
    """


@cache.command(context_settings=CONTEXT)
@option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def info(as_json: bool) -> None:
    """Say where the cache is and what it holds."""
    from waot.cache import Cache

    found = Cache.open().info()
    if as_json:
        show(found, as_json)
        return
    click.echo(f"directory: {found.root or 'none'}")
    click.echo(f"entries:   {found.entries}, {_size(found.bytes)} of at most {_size(found.limit)}")
    for kind, (entries, size) in found.kinds.items():
        click.echo(f"  {kind}: {entries}, {_size(size)}")
    click.echo(f"tools:     {_size(found.tools_bytes)}")


@cache.command(context_settings=CONTEXT)
def clear() -> None:
    """Remove everything in the cache."""
    from waot.cache import Cache

    Cache.open().clear()


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

    def dropped(unraisable: sys.UnraisableHookArgs) -> None:
        """In a callback of Python (of a fork, of an object that ends) an exception goes nowhere: once more, soon."""
        if unraisable.exc_type is not SystemExit or not hasattr(signal, "setitimer"):
            sys.__unraisablehook__(unraisable)
            return
        status = getattr(unraisable.exc_value, "code", _STATUS_INTERRUPTED)
        signal.signal(signal.SIGALRM, lambda number, frame: sys.exit(status))
        signal.setitimer(signal.ITIMER_REAL, 0.01)

    sys.unraisablehook = dropped


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
