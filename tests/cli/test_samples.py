"""The samples of docs/deploy.md, run: what a platform would call is called, on a real database."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.test_job_log import lines_of
from conftest import ROOT, SmallProject, name_of, query
from notifydb.postgres.advisory import advisory_lock

SAMPLES = ROOT / "docs" / "samples"
SERVER = '#!/bin/sh\necho "serving with $*"\nif [ -n "${LASTING:-}" ]; then exec sleep 60; fi\n'
USERS = 'op.execute("CREATE TABLE users (id int)")'


@dataclasses.dataclass(frozen=True)
class Place:
    """An application's folder with the samples in it, a database, and commands that stand in for others."""

    project: SmallProject
    url: str
    bin: Path

    @property
    def root(self) -> Path:
        return self.project.project.root

    def environment(self, **variables: str) -> dict[str, str]:
        path = f"{self.bin}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        there = {"DATABASE_URL": self.url, "NOTIFYDB_ENVIRONMENT": "production"}
        return {"PATH": path, "HOME": str(self.root), "LANG": "C.UTF-8", **there, **variables}

    def run(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words, cwd=self.root, env=self.environment(**variables), input="", capture_output=True, text=True,
            timeout=120, check=False,
        )  # fmt: skip

    def start(self, *words: str, **variables: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            words, cwd=self.root, env=self.environment(**variables), stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def stand_in(self, name: str, script: str) -> None:
        (self.bin / name).write_text(script)
        (self.bin / name).chmod(0o755)

    def upgrade(self) -> None:
        assert self.run("notifydb", "upgrade").returncode == 0


@pytest.fixture
def place(small_project: SmallProject, database: str, tmp_path: Path) -> Place:
    for path in SAMPLES.iterdir():
        shutil.copy(path, small_project.project.root)
    (tmp_path / "bin").mkdir()
    small_project.add("0001_users", USERS)
    made = Place(small_project, database, tmp_path / "bin")
    made.stand_in("gunicorn", SERVER)
    return made


def document(name: str) -> Any:
    return yaml.safe_load((SAMPLES / name).read_text())


def ends_at_a_signal(process: subprocess.Popen[str], began: str) -> None:
    """SIGTERM to the process that was started reaches what it has become."""
    assert process.stdout is not None
    while began not in process.stdout.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=5)
    assert process.returncode == -signal.SIGTERM


def test_the_server_starts_at_the_head_only(place: Place) -> None:
    refused = place.run("./start.sh", "gunicorn", "app")
    assert refused.returncode == 1
    assert "pending   1" in refused.stdout
    assert "serving" not in refused.stdout
    place.upgrade()
    started = place.run("./start.sh", "gunicorn", "--bind", "a b")
    assert (started.returncode, "serving with --bind a b" in started.stdout) == (0, True)
    assert place.run("./start.sh", "false").returncode == 1
    assert place.run("./start.sh", "gunicorn", NOTIFYDB_LOCK_WAITS="1").returncode == 2
    ends_at_a_signal(place.start("./start.sh", "gunicorn", LASTING="1"), "serving")


def test_older_code_starts_only_where_it_is_said(place: Place) -> None:
    newer = place.project.add("0002_more", "pass")
    place.upgrade()
    newer.unlink()
    refused = place.run("./start.sh", "gunicorn")
    assert (refused.returncode, "serving" in refused.stdout) == (1, False)
    assert "serving" in place.run("./start.sh", "gunicorn", START_UNCHECKED="1").stdout


def test_the_job_passes_the_exit_codes_on(place: Place) -> None:
    done = place.run("./migrate.sh")
    assert (done.returncode, lines_of(done.stdout)[-1]["outcome"]) == (0, "done")
    assert lines_of(place.run("./migrate.sh").stdout)[-1]["outcome"] == "nothing"
    assert place.run("./migrate.sh", NOTIFYDB_LOCK_WAITS="1").returncode == 2
    place.project.add("0002_drop", 'op.drop_table("users")')
    assert place.run("./migrate.sh").returncode == 3
    with advisory_lock(place.url, wait=0):
        busy = place.run("./migrate.sh", "--lock-wait", "0.2")
    assert (busy.returncode, lines_of(busy.stdout)[-1]["outcome"]) == (4, "unavailable")
    place.project.add("0002_drop", 'op.execute("SELECT 1/0")', down="0001_users")
    assert place.run("./migrate.sh").returncode == 6


def test_a_signal_to_the_job_reaches_notifydb(place: Place) -> None:
    place.project.add("0002_slow", 'op.execute("SELECT pg_sleep(60)")')
    process = place.start("./migrate.sh")
    running = (
        "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND datname = current_database()"
    )
    deadline = time.monotonic() + 20
    while not query(place.url, running):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=20)
    assert (process.returncode, time.monotonic() - began < 2) == (143, True)
    summary = lines_of(out)[-1]
    assert (summary["outcome"], summary["applied"], summary["unfinished"]) == (
        "stopped", ["0001_users"], "0002_slow",
    )  # fmt: skip
    assert not query(place.url, running)


def test_the_image_serves_and_migrates(place: Place) -> None:
    found = dict(re.findall(r"^([A-Z]+) (\[.+\])$", (SAMPLES / "Dockerfile").read_text(), re.MULTILINE))
    entrypoint, command = json.loads(found["ENTRYPOINT"]), json.loads(found["CMD"])
    assert place.run(*entrypoint, *command).returncode == 1
    assert place.run(*_container("job.yaml")["command"]).returncode == 0
    assert "serving with --bind 0.0.0.0:8080" in place.run(*entrypoint, *command).stdout
    (made,) = re.findall(r"^RUN (chmod .+)$", (SAMPLES / "Dockerfile").read_text(), re.MULTILINE)
    (place.root / "start.sh").chmod(0o644)
    assert place.run("sh", "-c", made).returncode == 0
    assert os.access(place.root / "start.sh", os.X_OK)


def _container(name: str, kind: str = "containers") -> dict[str, Any]:
    container: dict[str, Any] = document(name)["spec"]["template"]["spec"][kind][0]
    return container


def test_the_init_container_lets_the_new_code_in_after_the_job(place: Place) -> None:
    gate = _container("deployment.yaml", "initContainers")["command"]
    assert place.run(*gate).returncode == 1
    place.upgrade()
    assert place.run(*gate).returncode == 0
    assert "serving" in place.run(*_container("deployment.yaml")["command"]).stdout


CF = """#!/bin/bash
# Exits as cf does: 1 where a task has failed, if it was told to wait.
echo "$*" >> "$HOME/called"
if [ "$1" = run-task ]; then
    [ "$3" = --command ] && [ "${*: -1}" = --wait ] || exit 99
    bash -c "$4" || exit 1
fi
"""


def test_cloud_foundry_gets_the_new_code_after_a_migration_that_went_well(place: Place) -> None:
    place.stand_in("cf", CF)
    web = document("manifest.yml")["applications"][0]["command"]
    assert place.run("bash", "-c", web, PORT="8080").returncode == 1
    deployed = place.run("./deploy-cf.sh")
    assert deployed.returncode == 0, deployed.stderr
    lines_of(deployed.stdout)
    push, task, web_push = (place.root / "called").read_text().splitlines()
    assert push == "push notify-migrate --task"
    assert task.startswith("run-task notify-migrate --command notifydb upgrade")
    assert web_push == "push notify-api --strategy rolling"
    assert "serving with --bind 0.0.0.0:8080" in place.run("bash", "-c", web, PORT="8080").stdout
    ends_at_a_signal(place.start("bash", "-c", web, PORT="8080", LASTING="1"), "serving")


def test_cloud_foundry_keeps_the_old_code_after_a_migration_that_failed(place: Place) -> None:
    place.stand_in("cf", CF)
    place.project.add("0002_bad", 'op.execute("SELECT 1/0")')
    deployed = place.run("./deploy-cf.sh")
    assert (deployed.returncode, lines_of(deployed.stdout)[-1]["exit_code"]) == (1, 6)
    assert len((place.root / "called").read_text().splitlines()) == 2


KUBECTL = """#!/bin/sh
echo "$*" >> "$HOME/called"
case $1 in
    create) echo job.batch/notify-migrate-x1 ;;
    get) [ "$(grep -c '^get' "$HOME/called")" = 1 ] || echo "$CONDITIONS" ;;
esac
"""


@pytest.mark.parametrize(
    ("conditions", "code", "last"),
    [
        ("SuccessCriteriaMet Complete", 0, "apply --filename deployment.yaml"),
        ("Complete", 0, "apply --filename deployment.yaml"),
        ("FailureTarget Failed", 1, "logs job.batch/notify-migrate-x1"),
    ],
)
def test_kubernetes_gets_the_new_code_when_the_job_is_complete(
    place: Place, conditions: str, code: int, last: str
) -> None:
    place.stand_in("kubectl", KUBECTL)
    deployed = place.run("./deploy-kubernetes.sh", CONDITIONS=conditions, POLL_SECONDS="0.1")
    assert deployed.returncode == code
    called = (place.root / "called").read_text().splitlines()
    assert called[0] == "create --filename job.yaml --output name"
    assert called[-1] == last


def cron_jobs(place: Place) -> list[str]:
    crontab = (SAMPLES / "crontab").read_text().replace("/srv/notify &&", f"{place.root} &&")
    return [line.split(maxsplit=5)[5] for line in crontab.splitlines() if re.match(r"[\d*]", line)]


def test_cron_is_silent_where_all_is_well(place: Place) -> None:
    gate, migrate, doctor, *_ = cron_jobs(place)
    assert "pending   1" in place.run("sh", "-c", gate).stdout
    for command in (migrate, gate, doctor):
        quiet = place.run("sh", "-c", command)
        assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", ""), command
    place.project.add("0002_bad", 'op.execute("SELECT 1/0")')
    assert lines_of(place.run("sh", "-c", migrate).stdout)[-1]["outcome"] == "failed"


def test_cron_purges_what_is_old_and_is_silent(place: Place) -> None:
    *_, purge, forget = cron_jobs(place)
    purge = purge.replace("--confirm notify ", f"--confirm {name_of(place.url)} ")
    place.project.add(
        "0002_addresses", 'op.execute("ALTER TABLE users ADD PRIMARY KEY (id), ADD email_address text, '
        'ADD created_at timestamp DEFAULT now()")',
    )  # fmt: skip
    staging = {"NOTIFYDB_ENVIRONMENT": "staging"}
    assert place.run("notifydb", "upgrade", **staging).returncode == 0
    insert = (
        "INSERT INTO users SELECT n, name, now() - {age} * interval '1 day' FROM (VALUES {users}) v (n, name)"
    )
    tests = ", ".join(f"({n}, 'notify-tests-preview+{uuid.uuid4()}@example.gov')" for n in (1, 2))
    query(place.url, insert.format(age=1, users=tests))
    query(place.url, insert.format(age=3, users="(3, 'a@example.gov')"))

    def silent(command: str) -> list[Path]:
        done = place.run("sh", "-c", command, **staging)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), command
        return sorted((place.root / "purge-archives").glob("*"))

    assert silent(purge) == []
    query(place.url, "UPDATE users SET created_at = created_at - interval '2 days' WHERE id = 1")
    (archive,) = silent(purge)
    assert query(place.url, "SELECT id FROM users ORDER BY id") == [(2,), (3,)]
    assert silent(forget) == [archive]
    long_ago = time.time() - 32 * 24 * 3600
    os.utime(archive, (long_ago, long_ago))
    assert silent(forget) == []
    refused = place.run("sh", "-c", purge, NOTIFYDB_ENVIRONMENT="production")
    assert "purge is never done there" in refused.stdout


def test_make_migrates_and_says_which_code_it_was(place: Place, server_url: str) -> None:
    assert "1 migration pending" in place.run("make", "plan", NOTIFYDB_SHADOW_URL=server_url).stdout
    assert place.run("make", "serve").returncode == 2
    assert place.run("make", "migrate").returncode == 0
    assert "serving" in place.run("make", "serve").stdout
    place.project.add("0002_bad", 'op.execute("SELECT 1/0")')
    failed = place.run("make", "migrate")
    assert (failed.returncode, "Error 6" in failed.stderr) == (2, True)


def test_the_workflow_checks_and_deploys(place: Place, server_url: str) -> None:
    """The steps, one after the other, in a clone that is on the merge of a pull request."""
    upstream = place.root.with_name(f"{place.root.name}-upstream")

    def git(*words: str, folder: Path = place.root) -> str:
        identity = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        who = ("-c", "user.name=A", "-c", "user.email=a@example.org")
        return subprocess.run(
            ["git", *who, *words], cwd=folder, env={**os.environ, **identity}, check=True,
            capture_output=True, text=True,
        ).stdout.strip()  # fmt: skip

    (place.root / ".gitignore").write_text("__pycache__\n.notifydb\n*.log\n")
    assert place.run("notifydb", "migrate", "head-file").returncode == 0
    git("init", "--quiet", "--initial-branch", "main")
    git("add", "--all")
    git("commit", "--quiet", "--message", "main")
    git("clone", "--quiet", "--bare", str(place.root), str(upstream))
    git("remote", "add", "origin", str(upstream))
    git("fetch", "--quiet", "origin")
    column = 'op.add_column("users", sa.Column("age", sa.Integer))'
    place.project.add("0002_more", column, 'op.drop_column("users", "age")')
    assert place.run("notifydb", "migrate", "head-file").returncode == 0
    git("add", "--all")
    git("commit", "--quiet", "--message", "more")
    git("checkout", "--quiet", "--detach")

    check, deploy = document("github-workflow.yml")["jobs"].values()
    variables = {"GITHUB_BASE_REF": "main", "GITHUB_SHA": git("rev-parse", "HEAD")}
    ours = {
        **check["env"], "DATABASE_URL": place.url, "NOTIFYDB_SHADOW_URL": server_url,
    }  # fmt: skip
    steps = [step["run"] for step in check["steps"] if "run" in step]
    assert steps.pop(0).startswith("pip install ")
    said = ""
    for step in steps:
        done = place.run("bash", "-e", "-c", step, **variables, **ours)
        assert done.returncode == 0, done.stdout + done.stderr
        said = done.stdout
    assert "0002_more: one transaction" in said
    assert "0001_users: " not in said

    place.project.add("0003_bad", 'op.execute("SELECT 1/0")')
    ours = {"NOTIFYDB_ENVIRONMENT": deploy["env"]["NOTIFYDB_ENVIRONMENT"]}
    failed = place.run("bash", "-e", "-c", deploy["steps"][-1]["run"], **ours)
    assert (failed.returncode, lines_of(failed.stdout)[-1]["outcome"]) == (6, "failed")
