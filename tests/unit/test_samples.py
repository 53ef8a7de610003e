"""The samples of docs/deploy.md: they are what the page shows, they parse, and what they call is there."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import typer
import yaml
from packaging.requirements import Requirement

from conftest import ROOT
from notifydb import errors
from notifydb.cli.app import app
from notifydb.settings.load import setting_names, variable_name

SAMPLES = ROOT / "docs" / "samples"
FILES = sorted(SAMPLES.iterdir())
PAGE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
FENCES = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
SCHEMA = json.loads((ROOT / "docs" / "json" / "log.schema.json").read_text())
LINES = [json.loads(line) for kind, text in FENCES if kind == "json" for line in text.splitlines()]
#: What may stand around a command: a shell's operators, quotes, the end of a list.
COMMAND = re.compile(r"""(?<![\w./-])notifydb((?: +(?:[^\s"'`|&;<>()]+|"\$@"))+)""")
REQUIREMENT = re.compile(r"'(notifydb[^']*)'")


def read(name: str) -> str:
    return (SAMPLES / name).read_text(encoding="utf-8")


def documents(name: str) -> list[Any]:
    return list(yaml.safe_load_all(read(name)))


def commands_in(text: str) -> list[str]:
    """The arguments of each `notifydb ...` in a script, without its comments."""
    code = "\n".join(re.sub(r"(^|\s)#.*", "", line) for line in text.splitlines())
    return [found.strip() for found in COMMAND.findall(code)]


def lists_in(value: object) -> Iterator[list[str]]:
    """Commands of a YAML document that are lists of words."""
    if isinstance(value, list) and value[:1] == ["notifydb"]:
        yield value[1:]
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from lists_in(each)


def invocations() -> Iterator[tuple[str, tuple[str, ...]]]:
    for path in FILES:
        for found in commands_in(path.read_text(encoding="utf-8")):
            yield path.name, tuple(shlex.split(found.replace('"$@"', "")))
        if path.suffix in (".yaml", ".yml"):
            for words in lists_in(documents(path.name)):
                yield path.name, tuple(words)
    for kind, text in FENCES:
        if kind == "sh":
            yield from (
                ("deploy.md", tuple(shlex.split(each.replace('"$@"', "")))) for each in commands_in(text)
            )
    prose = re.sub(r"^```.*?^```$", "", PAGE, flags=re.MULTILINE | re.DOTALL)
    for code in re.findall(r"`([^`]+)`", prose):
        yield from (("deploy.md", tuple(each.split())) for each in commands_in(" ".join(code.split())))


INVOCATIONS = sorted(set(invocations()))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_page_shows_the_very_file(path: Path) -> None:
    assert path.read_text(encoding="utf-8") in [text for _, text in FENCES]
    assert f"](samples/{path.name})" in PAGE


def test_every_link_of_the_page_leads_somewhere() -> None:
    anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in _titles(PAGE)}
    for link in re.findall(r"\]\(([^)]+)\)", PAGE):
        path, _, anchor = link.partition("#")
        assert not path or (ROOT / "docs" / path).exists(), link
        assert path or anchor in anchors, link


def _titles(text: str) -> list[str]:
    return re.findall(
        r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE
    )


def test_there_are_commands_to_look_at() -> None:
    commands = {"upgrade", "status", "migrate", "lint", "doctor", "purge"}
    assert {words[0] for _, words in INVOCATIONS} == commands
    assert {name for name, _ in INVOCATIONS} >= {
        "Makefile", "crontab", "deploy-cf.sh", "deploy.md", "deployment.yaml", "github-workflow.yml",
        "manifest.yml", "migrate.sh", "start.sh",
    }  # fmt: skip


@pytest.mark.parametrize(("name", "words"), INVOCATIONS, ids=lambda each: "-".join(each))
def test_every_command_and_option_is_there(name: str, words: tuple[str, ...]) -> None:
    command, rest = typer.main.get_command(app), list(words)
    while hasattr(command, "get_command"):
        found = command.get_command(None, rest.pop(0))
        assert found is not None, words
        command = found
    # Raises for an option or a value that there is not.
    command.make_context("notifydb", rest)


def test_a_command_that_is_not_there_would_be_found() -> None:
    usage_error = typer.BadParameter.__base__
    assert usage_error is not None
    for words in (("upgrade", "--nonsense"), ("status", "--wait-for-db", "long"), ("migrate", "nothing")):
        with pytest.raises((usage_error, AssertionError)):
            test_every_command_and_option_is_there("", words)


@pytest.mark.parametrize("path", [path for path in FILES if path.suffix == ".sh"], ids=lambda path: path.name)
def test_the_scripts_parse_and_can_be_run(path: Path) -> None:
    assert subprocess.run(["sh", "-n", path], check=False).returncode == 0
    assert path.stat().st_mode & 0o111
    assert "set -eu\n" in path.read_text()


def test_the_variables_are_settings() -> None:
    known = {variable_name(each) for each in setting_names()}
    used = {name for path in FILES for name in re.findall(r"NOTIFYDB_[A-Z_]+", path.read_text())}
    used |= set(re.findall(r"NOTIFYDB_[A-Z_]+", re.sub(r"^```json.*?^```$", "", PAGE, flags=re.M | re.S)))
    assert used <= known


def test_what_is_installed_is_this_project_without_the_embedded_postgres() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    places = {path.name: REQUIREMENT.findall(path.read_text()) for path in FILES}
    assert {name for name, found in places.items() if found} == {"Dockerfile", "github-workflow.yml"}
    for requirement in (Requirement(each) for found in places.values() for each in found):
        assert requirement.name == project["name"]
        assert requirement.specifier.contains(project["version"])
        assert not requirement.extras
    (image,) = re.findall(r"^FROM python:(\d+\.\d+)-slim$", read("Dockerfile"), re.MULTILINE)
    assert tuple(map(int, image.split("."))) >= (3, 11)


def dockerfile() -> list[tuple[str, str]]:
    return re.findall(r"^([A-Z]+) (.+)$", read("Dockerfile"), re.MULTILINE)


def test_the_image_hands_signals_on_and_is_not_run_by_root() -> None:
    for word, rest in dockerfile():
        if word == "RUN":
            assert subprocess.run(["sh", "-n", "-c", rest], check=False).returncode == 0
        if word in ("ENTRYPOINT", "CMD"):
            assert isinstance(json.loads(rest), list)
    found = dict(dockerfile())
    assert found["USER"].isdigit()
    (script,) = json.loads(found["ENTRYPOINT"])
    assert 'exec "$@"' in read(script)
    assert "exec notifydb " in read("migrate.sh")


def test_the_manifest_gates_the_web_process_and_has_an_app_for_tasks() -> None:
    (manifest,) = documents("manifest.yml")
    web, migrate = manifest["applications"]
    gate, server = web["command"].split(" && ")
    assert gate == "notifydb status --at-head --wait-for-db 60"
    assert server.startswith("exec ")
    assert web["services"] == migrate["services"]
    assert web["env"] == migrate["env"] == {"NOTIFYDB_ENVIRONMENT": "production"}
    assert migrate["no-route"] is True
    script = read("deploy-cf.sh")
    assert all(app["name"] in script for app in (web, migrate))
    assert all("--wait" in line for line in script.splitlines() if line.startswith("cf run-task"))


def test_the_job_is_tried_again_for_what_another_attempt_may_mend() -> None:
    (job,) = documents("job.yaml")
    assert (job["apiVersion"], job["kind"]) == ("batch/v1", "Job")
    spec, pod = job["spec"], job["spec"]["template"]["spec"]
    assert pod["restartPolicy"] == "Never"
    assert pod["terminationGracePeriodSeconds"] >= 5
    assert pod["securityContext"]["runAsNonRoot"] is True
    (container,) = pod["containers"]
    assert (SAMPLES / container["command"][0]).exists()
    (rule,) = (each["onExitCodes"] for each in spec["podFailurePolicy"]["rules"] if "onExitCodes" in each)
    assert (rule["containerName"], rule["operator"]) == (container["name"], "In")
    codes = {each.exit_code for each in _tree(errors.NotifydbError)}
    assert set(rule["values"]) == (codes | {1}) - {errors.Unavailable.exit_code}


def _tree(kind: type[errors.NotifydbError]) -> Iterator[type[errors.NotifydbError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from _tree(each)


def test_the_deployment_waits_for_the_job_on_the_same_database() -> None:
    (deployment,) = documents("deployment.yaml")
    (job,) = documents("job.yaml")
    pod = deployment["spec"]["template"]["spec"]
    (gate,), (web,) = pod["initContainers"], pod["containers"]
    assert gate["command"][:3] == ["notifydb", "status", "--at-head"]
    migrate = job["spec"]["template"]["spec"]["containers"][0]
    assert gate["env"] == web["env"] == migrate["env"]
    assert gate["image"] == web["image"] == migrate["image"]


def test_the_crontab_has_times_and_commands() -> None:
    jobs = [line for line in read("crontab").splitlines() if re.match(r"[\d*]", line)]
    assert len(jobs) == 5
    for line in jobs:
        *times, command = line.split(maxsplit=5)
        assert all(re.fullmatch(r"\*|\*/\d+|\d+", each) for each in times)
        assert "%" not in command
        assert subprocess.run(["sh", "-n", "-c", command], check=False).returncode == 0


def test_the_workflow_upgrades_production_one_at_a_time() -> None:
    (workflow,) = documents("github-workflow.yml")
    # YAML 1.1 reads `on` as true.
    assert set(workflow[True]) == {"pull_request", "push"}
    check, deploy = workflow["jobs"]["check"], workflow["jobs"]["deploy"]
    assert deploy["concurrency"]["cancel-in-progress"] is False
    assert deploy["steps"][-1]["run"] == "exec ./migrate.sh"
    assert check["steps"][0]["with"]["fetch-depth"] == 0
    assert "postgres" in check["services"]
    for step in check["steps"] + deploy["steps"]:
        assert subprocess.run(["bash", "-n", "-c", step.get("run", "")], check=False).returncode == 0


def test_the_makefile_has_targets_that_make_knows() -> None:
    targets = re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE)
    assert f".PHONY: {' '.join(targets)}\n" in read("Makefile")
    done = subprocess.run(
        ["make", "--dry-run", "--file", SAMPLES / "Makefile", *targets], capture_output=True, check=False
    )
    assert done.returncode == 0


@pytest.mark.parametrize("line", LINES, ids=lambda line: line["event"])
def test_every_line_of_the_log_is_one(line: dict[str, Any]) -> None:
    jsonschema.validate(line, SCHEMA)


def test_every_kind_of_line_and_of_end_is_shown() -> None:
    assert {line["event"] for line in LINES} == set(SCHEMA["properties"]["event"]["enum"])
    outcomes = SCHEMA["oneOf"][-1]["properties"]["outcome"]["enum"]
    assert {line["outcome"] for line in LINES if line["event"] == "summary"} == set(outcomes) - {"bug"}
