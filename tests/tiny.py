"""The project made small: its own ``params.yaml`` with tiny numbers, and its own tree in a repository of its own."""

import copy
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parent.parent
# What the stages make, and git does not ignore: DVC says so only once a run has come to its end.
MADE = ("data/", "dvc.lock", "metrics/", "models/")
PRODUCED = (*MADE, *(f"{page}/{name}" for page in ("tutorial", "digits", "scenes") for name in MADE))
INPUTS = ("data/raw/",)  # but for these, which git does not ignore either
UNUSED = ("docs/", "src/text2video/weights/")  # large, and no stage reads them

# Each stage's work takes a moment; loading torch is what one waits for.
TINY: dict[str, dict[str, Any]] = {
    "world": {
        "train_clips": 60,
        "validation_clips": 16,
        "test_clips": 8,
        "prompt_clips": 2,
        "test_prompts": ["circle moving down", "circle moving up-right"],
    },
    "codec": {"width": 8, "steps": 4, "batch": 16},
    "video_gan": {"noise_dim": 8, "width": 8, "code_dim": 16, "critic_width": 8},
    "flow": {"depth": 2, "steps": 2},
    "frame_gan": {"noise_dim": 8},
    "train": {"epochs": 2, "batch": 16, "sample_every": 1},
    "render": {"prompts": ["circle moving up-right", "red square shrinking"], "count": 1, "scale": 1},
    "runtime": {"device": "cpu", "threads": 1},
}


@cache
def _page() -> Any:
    return YAML().load(ROOT / "params.yaml")  # a fifth of a second


def tiny_params(**sections: Mapping[str, Any]) -> Any:
    """The parameters, made tiny, with more changes on top: ``tiny_params(train={"lr": 1})``.

    They keep their comments when they are written with ``write_params``.
    """
    params = copy.deepcopy(_page())
    for changes in (TINY, sections):
        for section, values in changes.items():
            params[section].update(values)
    return params


def write_params(path: Path, params: Any) -> Path:
    """Write parameters as ``params.yaml``, as DVC does. Returns the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    YAML().dump(params, path)
    return path


@dataclass(frozen=True)
class Repository:
    """A git and DVC repository with the project's tree, and commands run in it as a user would."""

    folder: Path

    def run(self, *command: str | Path, code: int | None = 0) -> subprocess.CompletedProcess[str]:
        """Run a command here and expect its exit ``code`` (None: any)."""
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=500,
        )  # fmt: skip
        said = f"{command} exits {done.returncode}:\n{done.stdout}{done.stderr}"
        assert code is None or done.returncode == code, said
        return done

    def dvc(self, *arguments: str, code: int | None = 0) -> str:
        """Run ``dvc`` and return what it prints, and what the stages print."""
        done = self.run(sys.executable, "-m", "dvc", *arguments, code=code)
        return done.stdout + done.stderr

    def dvc_json(self, *arguments: str) -> Any:
        """Run a ``dvc`` command that prints JSON, and return that."""
        return json.loads(self.run(sys.executable, "-m", "dvc", *arguments, "--json").stdout)

    def git(self, *arguments: str) -> str:
        """Run ``git`` and return what it prints."""
        return self.run("git", *arguments).stdout

    def commit(self, message: str) -> None:
        """Commit all that is not ignored."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)

    def stage(self, name: str, *arguments: str | Path, code: int = 0) -> str:
        """Run a stage as a script and return what it prints."""
        done = self.run("python", "-m", f"stages.{name}", *arguments, code=code)
        return done.stdout + done.stderr

    def digests(self, *parts: str) -> dict[str, str]:
        """The sha256 of every file in or at these paths."""
        files = [file for part in parts for file in sorted((self.folder / part).rglob("*")) if file.is_file()]
        files += [self.folder / part for part in parts if (self.folder / part).is_file()]
        return {str(file.relative_to(self.folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}

    def copy(self, folder: Path) -> "Repository":
        """A copy of all of it, cache and history included, that may be changed."""
        shutil.copytree(self.folder, folder, symlinks=True, ignore=lambda at, _: {"tmp"} if at.endswith(".dvc") else ())
        return Repository(folder)

    def environment(self) -> dict[str, str]:
        """A terminal in which the project's environment is active, and nothing of the machine's own settings.

        ``PYTHONPATH`` stands for an editable install of this folder: what imports follow unless they know better.
        """
        aside = self.folder.parent / f"{self.folder.name}.dvc"
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("DVC_", "GIT_", "MAKE"))}
        return kept | {
            "SHELL": "/bin/sh",  # DVC's own default; unlike some, it waits beside the command
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "PYTHONPATH": str(self.folder / "src"),
            "OMP_NUM_THREADS": "1",
            "COLUMNS": "200",
            "DVC_NO_ANALYTICS": "1",
            "DVC_SITE_CACHE_DIR": str(aside),
            "DVC_GLOBAL_CONFIG_DIR": str(aside),
            "DVC_SYSTEM_CONFIG_DIR": str(aside),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
        }


def make_repository(folder: Path) -> Repository:
    """The project's working tree, as it is now, committed to a new repository with tiny parameters."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(None, names):
        source = ROOT / name
        made = name.startswith((*PRODUCED, *UNUSED)) and not name.startswith(INPUTS)
        if source.is_file() and not made:
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    write_params(folder / "params.yaml", tiny_params())
    network = folder / "src" / "text2video" / "measure" / "network.py"  # no parameter says for how long it learns
    text = network.read_text()
    assert "STEPS, EPOCHS = 200, 30" in text
    network.write_text(text.replace("STEPS, EPOCHS = 200, 30", "STEPS, EPOCHS = 2, 30"))
    repository = Repository(folder)
    repository.git("init", "--quiet", "--initial-branch", "main")
    repository.git("config", "user.name", "Nobody")
    repository.git("config", "user.email", "nobody@example.com")
    repository.commit("The project, made tiny")
    return repository


HELD = """import os, time
replace = os.replace
def waiting(source, target, **options):
    replace(source, target, **options)
    while os.path.basename(target) == "checkpoint" and os.path.exists({gate!r}):
        time.sleep(0.01)
os.replace = waiting
"""


def held_at_checkpoint(environment: dict[str, str], gate: Path) -> dict[str, str]:
    """An environment in which a trainer waits behind each checkpoint for as long as the file ``gate`` is there.

    Who watches may be kept from its processor for seconds: nothing that it has to see may pass by meanwhile.
    """
    folder = gate.with_name(f"{gate.name}.python")
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(HELD.format(gate=str(gate)))
    paths = [str(folder), *filter(None, [environment.get("PYTHONPATH")])]
    return environment | {"PYTHONPATH": os.pathsep.join(paths)}
