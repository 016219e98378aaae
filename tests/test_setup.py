"""The set-up: what `make` does on a bare machine, and that a stage runs the code of its own tree."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
# What `make test ARGS=...` would hand down to a `make` in a test.
CALLERS = ("PYTHONPATH", "MAKEFLAGS", "MAKEOVERRIDES", "MAKELEVEL", "MFLAGS", "ARGS", "PYTHON", "SECONDS")
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in CALLERS}
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def run(*command: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command in `cwd` as a fresh terminal would, and hand back what it printed."""
    return subprocess.run(command, cwd=cwd, env=ENVIRONMENT | environment, capture_output=True, text=True, timeout=120)


def script(path: Path, text: str) -> Path:
    """An executable shell script at `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return path


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The files that `make` reads, in a folder without an environment; its name has a space."""
    folder = tmp_path / "a clone"
    shutil.copytree(ROOT / "requirements", folder / "requirements")
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    return folder


def test_make_alone_explains_every_target(clone: Path) -> None:
    """A newcomer who types `make` reads what there is to type, and nothing is installed."""
    targets = re.search(r"^\.PHONY: (.*)$", (clone / "Makefile").read_text(), re.MULTILINE)
    assert targets is not None
    shown = run("make", cwd=clone).stdout
    for target in targets[1].split():
        assert re.search(rf"^  {target} +\S", shown, re.MULTILINE), f"`make help` does not explain {target}"
    assert not (clone / ".venv").exists()


@pytest.mark.parametrize("prints", ["echo ''", "exit 127"], ids=["too old", "missing"])
def test_an_unfit_python_is_one_readable_line(clone: Path, prints: str) -> None:
    """Neither a traceback nor half an environment: the line says what is asked for, and how."""
    script(clone / "old", prints)
    result = run("make", "PYTHON=./old", "test", cwd=clone)
    assert result.returncode != 0
    assert len(result.stderr.splitlines()) == 1
    assert "Python 3.11 or newer" in result.stderr
    assert "make PYTHON=" in result.stderr
    assert not (clone / ".venv").exists()


def test_a_set_up_cut_short_is_done_again(clone: Path) -> None:
    """A lost network or a Ctrl-C in the middle must not pass for an environment at the next call."""
    # It makes an environment in which pip fails, as without a network. (`make` asks for its version first.)
    script(clone / "broken", "exit 9")
    script(clone / "python", '[ "$1" = -c ] && echo 3.99 && exit\nmkdir -p .venv/bin; cp broken .venv/bin/python')
    for _ in range(2):
        result = run("make", "PYTHON=./python", "test", cwd=clone)
        assert result.returncode != 0
        assert "-m venv" in result.stdout
        assert "pytest" not in result.stdout
        assert not list((clone / ".venv").glob(".installed*"))
        assert not (clone / ".venv" / "leftover").exists(), "built upon the remains of the first call"
        (clone / ".venv" / "leftover").touch()


def test_a_second_call_starts_at_once_until_the_lock_changes(clone: Path) -> None:
    """What is installed is not installed again; what is out of date is."""
    script(clone / "python", "echo 3.99")
    stamp = clone / ".venv" / ".installed-3.99"
    stamp.parent.mkdir()
    stamp.touch()
    command = ("make", "--dry-run", "PYTHON=./python", "test")
    assert "install" not in run(*command, cwd=clone).stdout
    later = stamp.stat().st_mtime + 10
    for changed in ("requirements/lock.txt", "requirements/bootstrap.txt", "pyproject.toml"):
        before = (clone / changed).stat()
        os.utime(clone / changed, (later, later))
        assert "--require-hashes -r requirements/lock.txt" in run(*command, cwd=clone).stdout
        os.utime(clone / changed, (before.st_atime, before.st_mtime))


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="needs git's own copy of the files")
def test_a_clone_with_the_line_ends_of_windows_has_the_same_bytes(tmp_path: Path) -> None:
    """The checksums of the shipped model, and all that DVC knows of the sources, are of these bytes."""
    index = run("git", "ls-files", "-z", "src", "stages", "*.yaml", cwd=ROOT).stdout.split("\0")
    run("git", "init", "--quiet", str(tmp_path), cwd=ROOT)
    for name in (".gitattributes", *filter(None, index)):
        if (ROOT / name).exists():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
    run("git", "add", "--all", "--force", cwd=tmp_path)
    before = {
        path: path.read_bytes()
        for path in tmp_path.rglob("*")
        if path.suffix in (".py", ".json", ".yaml", ".md", ".html", ".css")
    }
    for path in before:
        path.unlink()
    run("git", "-c", "core.autocrlf=true", "checkout", "--", ".", cwd=tmp_path)
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize("git", [False, True])
def test_a_copy_without_git_runs(clone: Path, git: bool) -> None:
    """A copy of the files alone, as in a container: `make repro` tells DVC, and only then."""
    if git:
        run("git", "init", "--quiet", cwd=clone)
    shutil.copytree(ROOT / ".dvc", clone / ".dvc", ignore=shutil.ignore_patterns("cache", "tmp", "config.local"))
    (clone / "dvc.yaml").write_text("stages:\n  hello:\n    cmd: echo hello > out\n    outs: [out]\n")
    series = f"{sys.version_info.major}.{sys.version_info.minor}"
    script(clone / ".venv" / "bin" / "python", f'exec "{sys.executable}" "$@"')
    (clone / ".venv" / f".installed-{series}").touch()
    done = run("make", f"PYTHON={sys.executable}", "repro", cwd=clone, GIT_CEILING_DIRECTORIES=str(clone.parent))
    assert done.returncode == 0, done.stderr
    assert (clone / "out").read_text() == "hello\n"
    assert (clone / ".dvc" / "config.local").exists() != git


def test_the_lock_holds_what_pyproject_asks_for() -> None:
    """Every dependency and extra is pinned, to a version that fits, and by hash."""
    project = PYPROJECT["project"]
    extras = project["optional-dependencies"].values()
    wanted = [*project["dependencies"], *(line for extra in extras for line in extra)]
    text = (ROOT / "requirements" / "lock.txt").read_text()
    pinned = dict(re.findall(r"^([a-z0-9-]+)==(\S+).* \\\n    --hash=sha256:", text, re.MULTILINE))
    assert len(pinned) == len(re.findall(r"^\S", text, re.MULTILINE)), "a package without a hash, or there twice"
    for requirement in map(Requirement, wanted):
        name = requirement.name.lower()
        assert name in pinned, f"{name} is not in the lock: run `make lock`"
        assert requirement.specifier.contains(pinned[name]), f"{requirement} is locked at {pinned[name]}"


def test_importing_the_package_loads_no_torch() -> None:
    """`import text2video` and the first tab of completion take milliseconds; torch takes seconds."""
    code = "import sys, text2video; assert text2video.__version__; sys.exit('torch' in sys.modules)"
    assert run(sys.executable, "-c", code, cwd=ROOT, PYTHONPATH="src").returncode == 0


def test_an_unknown_name_of_the_package_is_an_attribute_error() -> None:
    """The lazy import must not turn a typing mistake into something else."""
    import text2video

    with pytest.raises(AttributeError, match="load_modle"):
        text2video.load_modle  # noqa: B018


FINDER = """
import sys
from importlib.machinery import PathFinder
class Finder:
    def find_spec(name, path=None, target=None):
        return PathFinder.find_spec(name, [{src!r}]) if name == "text2video" else None
sys.meta_path.append(Finder)
"""


@pytest.mark.parametrize("kind", ["path", "finder"])
def test_a_stage_runs_the_code_of_its_own_tree(tmp_path: Path, kind: str) -> None:
    """A queued experiment runs in a copy of the tree: its own code counts, whatever an editable install says."""
    copied = tmp_path / "copy"
    ignore = shutil.ignore_patterns("__pycache__", "*.egg-info", "weights")
    for name in ("src", "stages"):
        shutil.copytree(ROOT / name, copied / name, ignore=ignore)
    with (copied / "src" / "text2video" / "__init__.py").open("a") as file:
        file.write('\nEDITED = "in the copy"\n')
    (copied / "stages" / "probe.py").write_text("import text2video as t; print(t.__file__, t.EDITED)")
    # The two ways in which an editable install of the original makes itself known.
    src = str(ROOT / "src")
    (tmp_path / "sitecustomize.py").write_text(FINDER.format(src=src) if kind == "finder" else "")
    paths = [str(tmp_path), *([src] if kind == "path" else [])]
    environment = {"PYTHONPATH": os.pathsep.join(paths)}
    found = run(sys.executable, "-c", "import text2video as t; print(t.__file__)", cwd=tmp_path, **environment)
    assert found.stdout.startswith(src), "the imitated editable install does not work"

    result = run(sys.executable, "-m", "stages.probe", cwd=copied, **environment)
    assert result.stdout == f"{copied / 'src/text2video/__init__.py'} in the copy\n", result.stderr
