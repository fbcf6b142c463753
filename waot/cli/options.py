"""The options of the command line: how they are listed in the help, and those that commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from waot.errors import UsageError
from waot.options import MEMORY_CHOICES, RELAXED_SIMD_CHOICES, VERSION_LEVELS, BuildOptions


class Option(click.Option):
    """An option that knows under which heading of the manual it stands."""

    def __init__(self, *args: Any, section: str = "Options", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.section = section


class OptionalValue(Option):
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


class Command(click.Command):
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


class Group(click.Group):
    command_class = Command

    def format_epilog(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        _write_verbatim(self.epilog, formatter)


def _write_verbatim(text: str | None, formatter: click.HelpFormatter) -> None:
    if text:
        formatter.write_paragraph()
        for line in text.strip("\n").splitlines():
            formatter.write(f"{line}\n")


CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

_Function = TypeVar("_Function", bound=Callable[..., Any])


def option(*names: str, cls: type[Option] = Option, **settings: Any) -> Callable[[_Function], _Function]:
    return click.option(*names, cls=cls, **settings)


def _all(*decorators: Callable[[_Function], _Function]) -> Callable[[_Function], _Function]:
    def decorate(function: _Function) -> _Function:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate


_CODE, _GRANTS, _WORK = "The code", "What the program may do", "The work"

features_option = option(
    "--features",
    metavar="LIST",
    section="The module",
    help="The features of WebAssembly that the module may use: 'all', 'mvp', NAME or +NAME, -NAME; with commas, "
    "from left to right. The names are those that `waot inspect` shows: all,-gc,-threads  mvp,+simd.  [default: all]",
)

profile_use_option = option(
    "--profile-use",
    metavar="FILE[,FILE...]",
    multiple=True,
    section=_CODE,
    help="Compile by what a program built with --profile-generate has counted, on any target: what ran most becomes "
    "faster, what never ran smaller. Several files are added up. May be repeated.",
)

profile_generate_option = option(
    "--profile-generate",
    metavar="[=FILE]",
    cls=OptionalValue,
    flag_value="",
    section=_CODE,
    help="Make a program that counts what it runs, for --profile-use, and is the slower for it. The profile is the "
    "file FILE, looked up where the program is run, or what WAOT_PROFILE_FILE says; runs add up.  [default: NAME"
    ".waotprof]",
)

code_options = _all(
    option(
        "-O",
        "opt_level",
        metavar="LEVEL",
        default="2",
        section=_CODE,
        help="Optimise: -O0 (fastest build), -O1 (quick for large modules), -O2 (modules of more than about 5 million "
        "operators without vectors and unrolled loops), -O3 (fastest code), or for size -Os, -Oz.  [default: 2]",
    ),
    option(
        "--cpu",
        metavar="CPU",
        section=_CODE,
        help="The processor to compile for: a name of LLVM's, 'native' for this machine's, features with + and -, or "
        "both: x86-64-v3  native,-avx512f  +avx2,+bmi2. By default a baseline that nearly every machine has.",
    ),
    option(
        "--multiversion",
        type=click.Choice(VERSION_LEVELS),
        section=_CODE,
        help="Carry the code twice, for the target's baseline and for this level of processors: the program takes the "
        "second version where the processor is of that level. Costs nothing but size.",
    ),
    option(
        "--memory",
        type=click.Choice(MEMORY_CHOICES),
        default="auto",
        section=_CODE,
        help="How linear memory is kept in bounds. static: at a constant address, the fastest; guarded: in reserved "
        "address space, with a position-independent executable; checked: by a comparison at each access.  "
        "[default: the target's best]",
    ),
    option(
        "--relaxed-simd",
        type=click.Choice(RELAXED_SIMD_CHOICES),
        default="fast",
        section=_CODE,
        help="What relaxed vector instructions do where the specification leaves a choice. fast: what the processor's "
        "own instructions do; deterministic: the same everywhere.  [default: fast]",
    ),
    option(
        "--stack-size",
        metavar="SIZE",
        default="8MiB",
        section=_CODE,
        help="Native stack of the program, in bytes or as 512KiB, 1MiB.  [default: 8MiB]",
    ),
    option(
        "--max-heap",
        metavar="SIZE",
        section=_CODE,
        help="The most that objects of garbage collection and exceptions may take; more is the trap 'out of memory'. "
        "Linear memory is not in it.  [default: what the machine has]",
    ),
    profile_use_option,
    features_option,
)

link_option = option(
    "--link",
    "links",
    metavar="NAME=FILE",
    multiple=True,
    section="The modules",
    help="Link the module FILE: what modules import from NAME comes from it. May be repeated: modules are instantiated "
    "in the order given, each may import from those before it, and the main one comes last.",
)

grant_options = _all(
    option(
        "--dir",
        "dirs",
        metavar="HOST[::GUEST][:ro]",
        multiple=True,
        section=_GRANTS,
        help="Let it use the directory HOST, which it sees as GUEST; :ro for reading only. A relative HOST is looked "
        "up where the program is run. May be repeated.",
    ),
    option(
        "--file",
        "files",
        metavar="HOST[::GUEST][:ro]",
        multiple=True,
        section=_GRANTS,
        help="Let it use the file HOST, which it sees as GUEST, and nothing else of its directory. Otherwise as --dir.",
    ),
    option(
        "--embed",
        "embeds",
        metavar="HOST[::GUEST]",
        multiple=True,
        section=_GRANTS,
        help="Put the directory (or file) HOST into the executable: the program sees it as GUEST, for reading only, "
        "wherever it is run. May be repeated.",
    ),
    option("--compress", is_flag=True, section=_GRANTS, help="Compress what is embedded."),
    option(
        "--overlay",
        "overlays",
        metavar="HOST::GUEST",
        multiple=True,
        section=_GRANTS,
        help="Let it write to the embedded directory GUEST: what it writes goes to the directory HOST, where it finds "
        "it again the next time. May be repeated.",
    ),
    option(
        "--env",
        metavar="NAME[=VALUE]",
        multiple=True,
        section=_GRANTS,
        help="Give it an environment variable: with VALUE, or with what NAME is when it is run. May be repeated.",
    ),
    option(
        "--inherit-env",
        is_flag=True,
        section=_GRANTS,
        help="Give it the whole environment it is run in, but for variables whose names begin with WAOT_.",
    ),
    option(
        "--arg",
        "args",
        metavar="TEXT",
        multiple=True,
        section=_GRANTS,
        help="An argument that it always gets, before those of the command line. May be repeated.",
    ),
    option(
        "--listen",
        metavar="ADDR:PORT",
        multiple=True,
        section=_GRANTS,
        help="Give it a socket that listens there for TCP, as the descriptor behind those of directories: "
        "127.0.0.1:8080  [::]:80. Addresses are numbers. May be repeated.",
    ),
    option(
        "--deterministic",
        metavar="[=SEED]",
        cls=OptionalValue,
        flag_value="0",
        section=_GRANTS,
        help="Take from it the time and chance of the world: its clocks and random numbers follow from SEED (0 if not "
        "given) and are the same in each run. No secret can be made of such numbers.",
    ),
    option(
        "--sealed",
        is_flag=True,
        section=_GRANTS,
        help="Let nobody grant more when it is run. Without this, who runs it may add grants in the environment: "
        "WAOT_DIR, WAOT_FILE, WAOT_LISTEN and WAOT_ENV, with ; between several, and WAOT_INHERIT_ENV=1.",
    ),
    option(
        "--no-seccomp",
        is_flag=True,
        section=_GRANTS,
        help="Leave out the filter with which it gives up, on Linux, the system calls that its grants have no use for.",
    ),
    option(
        "--require-seccomp",
        is_flag=True,
        section=_GRANTS,
        help="Do not let it run where the system refuses that filter; otherwise it then runs without.",
    ),
)

json_option = option(
    "--json", "as_json", is_flag=True, section=_WORK, help="Print the results as JSON, described below."
)

work_options = _all(
    option("--jobs", "-j", type=int, metavar="N", section=_WORK, help="Processes at work.  [default: all processors]"),
    option("--no-cache", is_flag=True, section=_WORK, help="Neither read the cache nor write to it."),
    option("-v", "--verbose", count=True, section=_WORK, help="Print the steps with their times; -vv says more."),
)


def build_options(values: dict[str, Any]) -> BuildOptions:
    """The options that are common to `build` and `run`, as click gives them."""
    values["cache"] = not values.pop("no_cache")
    off, required = values.pop("no_seccomp"), values.pop("require_seccomp")
    if off and required:
        raise UsageError("--no-seccomp and --require-seccomp contradict each other", hint="use one of them")
    values["seccomp"] = "off" if off else "required" if required else "default"
    return BuildOptions.parse(**values)
