"""The examples for continuous integration: the commands in the YAML files, run here as a runner would."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import tools
from tests.cli.helpers import ROOT
from waot.targets import find_targets, host_target

CI = ROOT / "examples" / "ci"
PROJECT = ROOT / "examples" / "project"
ACTION = yaml.safe_load((CI / "github" / "action.yml").read_text())
WORKFLOW = yaml.safe_load((CI / "github" / "release.yml").read_text())
GITLAB = yaml.safe_load((CI / "gitlab" / "waot.gitlab-ci.yml").read_text())
HOST = host_target().name
SOME = ["aarch64-linux", "riscv64-linux", "x86_64-linux"]  # of all targets, which take longer


class Runner:
    """A machine that runs steps: a project in a repository of its own, and the programs that a runner has."""

    def __init__(self, tmp_path: Path, cache: Path) -> None:
        self.project = tmp_path / "project"
        shutil.copytree(PROJECT, self.project, ignore=shutil.ignore_patterns("*.wasm", "dist", "*.tar"))
        self.programs = tmp_path / "bin"
        self.programs.mkdir()
        self.temporary = tmp_path / "temporary"
        self.temporary.mkdir()
        self.outputs = tmp_path / "outputs"
        self.published = tmp_path / "published"
        self.program("waot", f'exec {sys.executable} -m waot "$@"')
        self.program("python3", f'exec {sys.executable} "$@"')
        self.program("python", f'exec {sys.executable} "$@"')
        # What would leave this machine: told instead of done.
        self.program("gh", f'printf "%s\\n" "$@" > {self.published}')
        self.environment = {
            **os.environ,
            "PATH": f"{self.programs}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "WAOT_CACHE_DIR": str(cache),
            "RUNNER_TEMP": str(self.temporary),
            "GITHUB_OUTPUT": str(self.outputs),
        }
        git = "git init -q && git add -A && git -c user.name=a -c user.email=a@b commit -q -m first --date @1700000000"
        self.run(git, {"GIT_COMMITTER_DATE": "@1700000000"})

    def program(self, name: str, text: str) -> None:
        """Puts a program before all others."""
        (self.programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (self.programs / name).chmod(0o755)

    def run(self, script: str, variables: Mapping[str, str] | None = None) -> None:
        """Runs a step's script as GitHub runs those of `shell: bash`."""
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
        done = subprocess.run(
            command,
            cwd=self.project,
            env=self.environment | dict(variables or {}),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (script, done.stdout, done.stderr)


def filled(text: str, values: Mapping[str, str]) -> str:
    """`text` with GitHub's expressions replaced; one that is not known is an error."""
    return re.sub(r"\$\{\{ *([a-z_.-]+) *\}\}", lambda match: values[match[1]], text)


def run_steps(runner: Runner, steps: list[dict[str, Any]], values: Mapping[str, str], left_out: set[str]) -> None:
    """Runs the `run` steps but those called `left_out`; actions of others are not run."""
    for step in steps:
        if "run" not in step:
            assert re.fullmatch(r"(actions|OWNER)/[a-z/-]+@\w+", step["uses"])
            continue
        if step["name"] in left_out:
            continue
        if "if" in step:
            name = re.fullmatch(r"([a-z.]+) != ''", step["if"])
            assert name is not None
            if not values[name[1]]:
                continue
        assert "${{" not in step["run"]  # what others can choose goes through the environment, never into a script
        runner.run(step["run"], {key: filled(value, values) for key, value in step.get("env", {}).items()})


def inputs(given: Mapping[str, str], context: Mapping[str, str]) -> dict[str, str]:
    """The action's inputs, the given ones and the others' defaults, and no input that it does not have."""
    assert set(given) <= set(ACTION["inputs"])
    values = {}
    for name, description in ACTION["inputs"].items():
        assert description["description"]
        if name in given:
            values[f"inputs.{name}"] = filled(given[name], context)
        else:
            assert not description.get("required")
            values[f"inputs.{name}"] = description["default"]
    return values


@pytest.fixture
def runner(tmp_path: Path, shared_cache: Path) -> Runner:
    return Runner(tmp_path, shared_cache)


def check_dist(runner: Runner, targets: list[str]) -> None:
    """The archives of `targets` are there; this machine's program runs."""
    names = {path.name for path in (runner.project / "dist").iterdir()}
    assert {"SHA256SUMS", "greet-1.2.3.cdx.json"} < names
    for target in targets:
        assert any(name.startswith(f"greet-1.2.3-{target}.") for name in names)
    with tarfile.open(runner.project / "dist" / f"greet-1.2.3-{HOST}.tar.gz") as archive:
        assert {member.mtime for member in archive} == {1_700_000_000}  # the commit's
        tools.unpack(archive, runner.project)
    unpacked = runner.project / f"greet-1.2.3-{HOST}"
    assert (unpacked / "README.md").is_file()
    environment = {"NAME": "reader"}
    done = subprocess.run([unpacked / "greet"], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "Hello, reader!\n"


def github(runner: Runner, left_out: set[str], targets: list[str]) -> None:
    """The workflow with the action in it, for `targets` in place of all."""
    [job] = WORKFLOW["jobs"].values()
    action_path = CI / "github"
    context = {"github.ref_name": "v1.2.3", "github.token": "", "github.action_path": str(action_path)}
    [ours] = [step for step in job["steps"] if step.get("uses", "").startswith("OWNER/waot/")]
    path = ours["uses"].removeprefix("OWNER/waot/").partition("@")[0]
    assert ROOT / path == action_path
    values = inputs(ours["with"], context)
    assert values["inputs.targets"] == "all"
    values["inputs.targets"] = ",".join(targets)
    run_steps(runner, ACTION["runs"]["steps"], context | values, left_out)
    run_steps(runner, job["steps"], context, set())


def test_the_action_for_github_releases_the_project(runner: Runner) -> None:
    github(runner, {"Install waot"}, SOME)
    check_dist(runner, SOME)
    assert (runner.project / "dist" / "image.oci.tar").is_file()
    outputs = dict(line.split("=", 1) for line in runner.outputs.read_text().splitlines())
    assert set(outputs) == set(ACTION["outputs"])
    report = json.loads(Path(outputs["report"]).read_text())
    assert [each["target"] for each in report["targets"]] == SOME
    release, create, tag, *arguments = runner.published.read_text().splitlines()
    assert (release, create, tag) == ("release", "create", "v1.2.3")
    assert {f"dist/{path.name}" for path in (runner.project / "dist").iterdir()} <= set(arguments)


def test_the_pipeline_for_gitlab_releases_the_project(runner: Runner, tmp_path: Path) -> None:
    if shutil.which("skopeo") is None:
        pytest.skip("skopeo is not there: apt-get install skopeo")
    context = {
        "CI_PROJECT_DIR": str(runner.project),
        "CI_COMMIT_TAG": "v1.2.3",
        "CI_REGISTRY_IMAGE": "example.org/greet",
        "CI_REGISTRY_USER": "user",
        "CI_REGISTRY_PASSWORD": "password",
    }
    variables = dict(GITLAB["variables"])
    for name, value in context.items():
        variables = {key: text.replace(f"${name}", value) for key, text in variables.items()}
    assert variables["DESTINATION"] == "docker://example.org/greet:v1.2.3"
    variables["DESTINATION"] = f"oci:{tmp_path / 'registry'}:v1.2.3"  # in place of one
    assert variables.pop("WAOT_CACHE_DIR") == f"{runner.project}/.cache/waot"  # the tests' instead
    assert variables["TARGETS"] == "all"
    variables["TARGETS"] = ",".join(SOME)
    assert [GITLAB[name]["stage"] for name in ("archives", "image")] == GITLAB["stages"]
    installs = re.compile(r"python -m pip install --quiet \"\$WAOT\"|apt-get update && apt-get install .*")
    for name in ("archives", "image"):
        job = GITLAB[name]
        lines = [line for line in [*job["before_script"], *job["script"]] if not installs.fullmatch(line)]
        assert len(lines) < len(job["before_script"]) + len(job["script"])
        runner.run("\n".join(lines), variables | context)
    check_dist(runner, SOME)
    index = json.loads((tmp_path / "registry" / "index.json").read_text())
    assert index["manifests"][0]["mediaType"] == "application/vnd.oci.image.index.v1+json"


def test_the_makefile_releases_the_project(runner: Runner) -> None:
    runner.run(f"make release image VERSION=1.2.3 TARGETS={HOST}", {"SOURCE_DATE_EPOCH": "1700000000"})
    assert (runner.project / "dist" / f"greet-1.2.3-{HOST}.tar.gz").is_file()
    assert (runner.project / "image.oci.tar").is_file()


@pytest.mark.slow
def test_the_action_installs_waot_itself(tmp_path: Path, shared_cache: Path) -> None:
    runner = Runner(tmp_path, shared_cache)
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    for name in ("waot", "python", "python3"):
        (runner.programs / name).unlink()
    runner.environment["PATH"] = f"{tmp_path / 'venv' / 'bin'}:{runner.environment['PATH']}"
    del runner.environment["PYTHONPATH"]
    everything = [target.name for target in find_targets("all")]
    github(runner, set(), everything)
    check_dist(runner, everything)
    assert (tmp_path / "venv" / "bin" / "waot").is_file()
