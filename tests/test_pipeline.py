"""The pipeline as DVC runs it: what is rerun, kept, compared, queued, shared, refused; and each stage alone."""

import builtins
import importlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from dvc.utils.hydra import apply_overrides
from import_graph import ROOT, closure, graph, modules
from tiny import Repository, held_at_checkpoint, tiny_params, write_params
from victims import change, closed, contents, copy_inputs, run

from text2video.errors import UserError
from text2video.media import save_gif
from text2video.params import Params, Section, load_params

STAGES = ("check", "synthesize", "index", "autoencode", "train", "export", "render", "evaluate")
PIPELINES = {"main": "", "tutorial": "tutorial/", "digits": "digits/", "scenes": "scenes/"}  # name: prefix of its paths
RESULTS = ("data", "models", "metrics", "dvc.lock")
# What only carries values and messages: an edit there changes no result, or breaks the stage for all to see.
PLUMBING = {f"src/text2video/{name}.py" for name in ("__init__", "console", "errors", "files", "layout", "params")} | {
    "stages/__init__.py"
}


def stages_of(pipeline: str) -> dict[str, Any]:
    """The stages of a pipeline's ``dvc.yaml``."""
    return yaml.safe_load((ROOT / pipeline / "dvc.yaml").read_text())["stages"]


def paths(entries: list[str | dict[str, Any]]) -> list[str]:
    """The paths of deps or outs, whatever options they have."""
    return [entry if isinstance(entry, str) else next(iter(entry)) for entry in entries]


def outputs(stage: dict[str, Any]) -> list[str]:
    """The paths that a stage writes."""
    return paths([*stage.get("outs", []), *stage.get("metrics", [])])


def figures(pipeline: str) -> set[str]:
    """The paths of the figures, which are kept in git."""
    written = {path for stage in stages_of(pipeline).values() for path in outputs(stage)}
    return {path for path in written if path.startswith(f"{pipeline}metrics/") and path.endswith(".json")}


def ran(output: str) -> list[str]:
    """The stages that DVC says it ran."""
    return re.findall(r"Running stage '(?:[\w/]+\.yaml:)?(\w+)'", output)


def run_every_stage(root: Path, pipeline: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All stages of a pipeline in this process; every output that its dvc.yaml lists is made, else DVC would fail."""
    monkeypatch.setattr("text2video.measure.network.STEPS", 2)
    for stage in STAGES:
        importlib.import_module(f"stages.{stage}").main(root / pipeline)
    made = [path for stage in stages_of(pipeline).values() for path in outputs(stage)]
    assert not [path for path in made if not (root / path).exists()]


# What dvc.yaml says


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="needs git to tell what it ignores")
@pytest.mark.parametrize("pipeline", PIPELINES)
def test_git_ignores_what_a_pipeline_makes_but_its_figures(pipeline: str) -> None:
    """By files of the repository's own: DVC's lines in them go when a run is stopped."""
    prefix = PIPELINES[pipeline]
    made = {path for stage in stages_of(prefix).values() for path in outputs(stage)}
    asked = ["git", "check-ignore", "--no-index", *sorted(made)]
    ignored = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert set(ignored) == made - figures(prefix)


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_every_stage_is_in_the_pipeline_and_runs_its_own_module(pipeline: str) -> None:
    """``python -m``, so that its own tree is run, and no ``${...}`` that could reach a shell: only the input folder."""
    stages = stages_of(PIPELINES[pipeline])
    assert tuple(stages) == STAGES
    assert {path.stem for path in (ROOT / "stages").glob("*.py")} == {*STAGES, "new", "__init__"}
    root = "" if pipeline == "main" else f" --root {pipeline}"
    for name, stage in stages.items():
        assert stage["cmd"] == f"python -m stages.{name}{root}"
        assert stage["desc"]
        assert not [path for path in outputs(stage) if "$" in path]
    asked = re.findall(r"\$.*", (ROOT / PIPELINES[pipeline] / "dvc.yaml").read_text())
    assert set(asked) <= {"${videos.folder}", "${model.kind}"}


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_the_modules_that_it_imports(stage: str) -> None:
    """One too few, and an edit is not run; one too many, and an edit reruns hours of work for nothing. (The other
    pipelines are generated from this one.)"""
    files = {name: str(path.relative_to(ROOT)) for name, path in modules().items() if path.read_text().strip()}
    needed = {files[name] for name in closure(graph(), f"stages.{stage}") if name in files} - PLUMBING
    deps = paths(stages_of("")[stage]["deps"])
    covered = {file for file in files.values() if any(f"{file}/".startswith(f"{path}/") for path in deps)}
    assert needed <= covered <= needed | PLUMBING, (
        f"in dvc.yaml, the stage {stage} should depend on\n{as_deps(needed, set(files.values()))}"
    )
    code = [path for path in deps if path.startswith(("src/", "stages/"))]
    assert all((ROOT / path).exists() for path in code)


def as_deps(needed: set[str], files: set[str]) -> str:
    """The lines for dvc.yaml: a folder where all of its modules are needed."""
    for package in ("data", "judge", "measure", "models", "reading", "report", "text", "training", "world"):
        folder = f"src/text2video/{package}"
        inside = {file for file in files if file.startswith(f"{folder}/")}
        if inside <= needed:
            needed = needed - inside | {folder}
    return "\n".join(f"      - {path}" for path in sorted(needed, key=lambda path: (path.startswith("src"), path)))


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_a_stage_is_rerun_for_the_files_that_the_stages_before_it_write(pipeline: str) -> None:
    """Every input of a stage is in git, or the output of an earlier one, and a check comes first."""
    prefix = PIPELINES[pipeline]
    written = {f"{prefix}params.yaml", "tutorial/measured", "${videos.folder}"}
    for name, stage in stages_of(prefix).items():
        inputs = {path for path in paths(stage["deps"]) if not path.startswith(("src/", "stages/"))}
        assert inputs <= written, f"{name} reads what no earlier stage writes"
        assert inputs, f"{name} could run before the check"
        written |= set(outputs(stage))
    check = set(paths(stages_of(prefix)["check"]["deps"]))
    assert {f"{prefix}params.yaml", "src/text2video/params.py"} <= check, "what it checks, and how"


class Watch:
    """Records which keys of which sections are looked at, and which files are opened to be read."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.keys: set[str] = set()
        self.files: set[Path] = set()
        look, open_file = Section.__getattribute__, io.open

        def looked(section: Section, name: str) -> Any:
            if name in type(section).model_fields:
                self.keys.add(name if isinstance(section, Params) else f"{type(section).__name__}.{name}")
            return look(section, name)

        def opened(file: Any, mode: str = "r", *arguments: Any, **options: Any) -> Any:
            if mode.startswith("r") and isinstance(file, str | os.PathLike):
                self.files.add(Path(file).absolute())
            return open_file(file, mode, *arguments, **options)

        monkeypatch.setattr(Section, "__getattribute__", looked)
        monkeypatch.setattr(io, "open", opened)
        monkeypatch.setattr(builtins, "open", opened)


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    """What goes on from here on."""
    return Watch(monkeypatch)


@pytest.mark.parametrize("stage", STAGES[1:])  # the check reads all of params.yaml, and is rerun for any change of it
def test_a_stage_is_rerun_for_the_parameters_and_files_that_it_reads(
    finished: Repository, repository: Repository, monkeypatch: pytest.MonkeyPatch, watch: Watch, stage: str
) -> None:
    """One too few, and a change does nothing; a parameter too many, and it reruns what would come out the same.
    Clips, weights, figures, videos follow from the seeds: another process makes the same bytes."""
    module, page = importlib.import_module(f"stages.{stage}"), stages_of("")[stage]

    def load_and_forget(path: Path) -> Params:
        params = load_params(path)
        watch.keys.clear()
        return params

    monkeypatch.setattr(module, "load_params", load_and_forget, raising=False)
    monkeypatch.chdir(repository.folder)
    monkeypatch.setattr("text2video.measure.network.STEPS", 2)  # as in the repository
    for path in map(Path, outputs(page)):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    module.main()
    assert repository.digests(*outputs(page)) == finished.digests(*outputs(page))

    keys = frozenset(watch.keys)
    listed = [key.replace("${model.kind}", "video_gan") for key in page.get("params", [])]
    if stage == "synthesize":  # of its two sources it reads the section of one
        for number in range(2):
            save_gif(Path(f"data/raw/{number}.gif"), np.full((2, 8, 8, 3), 9, np.uint8))
            Path(f"data/raw/{number}.txt").write_text("grey")
        write_params(Path("params.yaml"), tiny_params(data={"source": "videos"}))
        module.main()
        keys |= frozenset(watch.keys)
    assert {key for key in keys if "." not in key} - {"runtime"} == {key.split(".")[0] for key in listed}
    for section in {key.split(".")[0] for key in listed if "." in key}:
        model = type(getattr(load_params(ROOT / "params.yaml"), section)).__name__
        used = {f"{section}.{key.split('.')[1]}" for key in keys if key.startswith(f"{model}.")}
        assert used <= {key for key in listed if key.startswith(f"{section}.")}
        assert used, f"{stage} reads nothing of {section}"

    known = [
        repository.folder / path.replace("${videos.folder}", "data/raw")
        for path in [".dvc", "params.yaml", *paths(page["deps"]), *outputs(page)]
    ]
    read = {path for path in watch.files if path.is_relative_to(repository.folder) and path.exists()}
    assert not {path for path in read if not any(path.is_relative_to(place) for place in known)}


# What DVC does with it


def test_a_queued_experiment_reruns_what_changed_by_the_code_it_was_queued_with(repository: Repository) -> None:
    """Edit, queue, undo the edit, start: an editable install of the folder (``PYTHONPATH`` here) must not win. One more
    epoch trains again and draws no clips again; figures, curves and videos stand side by side."""
    module = repository.folder / "src" / "text2video" / "evaluate.py"
    module.write_text(module.read_text() + "\nprint('This is the edited code.')\n")
    repository.dvc("exp", "run", "--queue", "--name", "longer", "-S", "train.epochs=3", "-S", "train.lr=1e-5")
    repository.git("restore", "src")
    repository.run("sh", "-c", "dvc queue start >/dev/null 2>&1")  # its worker stays, and would hold on to a pipe
    deadline = time.monotonic() + 300
    while "/longer" not in repository.git("for-each-ref", "refs/exps") and time.monotonic() < deadline:
        time.sleep(1)
    log = repository.dvc("queue", "logs", "longer")
    assert "This is the edited code." in log
    assert sorted(ran(log)) == sorted(["check", "train", "export", "render", "evaluate"])
    assert "/longer" in repository.git("for-each-ref", "refs/exps")
    assert repository.git("status", "--short") == ""

    difference = repository.dvc_json("metrics", "diff", "HEAD", "longer")
    steps = difference["metrics/train.json"]["steps"]
    assert steps["new"] == steps["old"] * 3 / 2

    repository.dvc("plots", "diff", "HEAD", "longer", "--out", "plots")
    page = (repository.folder / "plots" / "index.html").read_text()
    gif = "data_videos_gif_000_circle-moving-up-right_0.gif"
    pair = [repository.folder / "plots" / "static" / f"{revision}_{gif}" for revision in ("HEAD", "longer")]
    assert all(path.name in page for path in pair)
    assert pair[0].read_bytes() != pair[1].read_bytes()
    for title in ("Codec loss", "Loss"):
        assert title in page


def test_a_new_clone_pulls_everything_and_has_nothing_to_do(repository: Repository, tmp_path: Path) -> None:
    """All that was made is in git or in the cache: with ``dvc push``, ``git clone``, ``dvc pull`` a colleague has data,
    model and videos without training."""
    for name, stage in stages_of("").items():
        for path in outputs(stage):
            assert (repository.folder / path).exists(), f"{name} did not write {path}"
    tracked = repository.git("ls-files", "data", "models", "metrics").split()
    inputs = {"data/raw/README.md"}
    assert {path for path in tracked if not path.endswith(".gitignore")} == figures("") | inputs
    repository.dvc("remote", "add", "--default", "store", str(tmp_path / "store"))
    repository.commit("A remote")
    repository.dvc("push")
    clone = Repository(tmp_path / "clone")
    repository.git("clone", "--quiet", ".", str(clone.folder))
    clone.dvc("pull")
    assert clone.digests(*RESULTS) == repository.digests(*RESULTS)
    again = clone.dvc("repro")
    assert "up to date" in again
    assert not ran(again)
    assert clone.git("status", "--short") == ""


def test_the_advice_of_an_error_does_what_it_says(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each output that is damaged names two commands in its line; either, typed as it stands, makes it whole again."""
    damaged = {
        "index": "data/train/index.json",
        "export": "models/trained/model.safetensors",
        "train": "models/codec/codec.safetensors",
        "render": "models/export/model.safetensors",
    }
    before = repository.digests(*RESULTS)
    advised: tuple[set[str], set[str]] = (set(), set())
    monkeypatch.chdir(repository.folder)
    for stage, name in damaged.items():
        with open(name, "ab") as file:
            file.write(b"x")
        with pytest.raises(UserError) as caught:
            importlib.import_module(f"stages.{stage}").main()
        for commands, command in zip(advised, re.findall("`(.*?)`", str(caught.value)), strict=True):
            commands.add(command)
    assert advised == ({f"dvc checkout --force {Path(name).parent}" for name in damaged.values()}, {"dvc repro"})
    for commands in advised:
        for name in damaged.values():
            with open(name, "ab") as file:
                file.write(b"x")
        for command in commands:
            repository.run("sh", "-c", command)
        assert repository.digests(*RESULTS) == before


def test_a_download_without_git_runs(finished: Repository, tmp_path: Path) -> None:
    """An archive of the source, as sites offer it: DVC does not ask for the git that is not there."""
    download = Repository(tmp_path / "download")
    download.folder.mkdir()
    finished.git("archive", "--output", str(tmp_path / "download.zip"), "HEAD")
    shutil.unpack_archive(tmp_path / "download.zip", download.folder)
    assert ran(download.dvc("repro", "index")) == ["check", "synthesize", "index"]
    assert download.digests("data/train") == finished.digests("data/train")


def test_a_bad_value_is_refused_before_dvc_removes_anything(repository: Repository) -> None:
    """DVC deletes the outputs of the stage that it is about to run; the check runs before, and has none to lose."""
    before = repository.digests("data", "models", "metrics")
    output = repository.dvc("exp", "run", "-S", "train.lr=-1", code=255)
    assert [line for line in output.splitlines() if line.startswith("error:")] == [
        "error: params.yaml: train.lr: Input should be greater than 0 (it is -1)"
    ]
    assert ran(output) == ["check"]
    assert "Traceback" not in output
    page = repository.folder / "params.yaml"
    page.write_text(page.read_text().replace("  lr: -1\n", "  lr: 0.1\n") + "unknown:\n  key: 1\n")
    output = repository.dvc("repro", "train", code=255)
    assert "error: params.yaml: unknown key unknown\n" in output
    assert repository.digests("data", "models", "metrics") == before


def test_the_model_is_an_artifact(finished: Repository, tmp_path: Path) -> None:
    """A tag registers the exported model; DVC finds it by name, and gets all of it."""
    clone = finished.copy(tmp_path / "clone")
    clone.git("tag", "--annotate", "text-to-video@v1.0.0", "--message", "the first one")
    code = "import dvc.api; print(dvc.api.artifacts_show('text-to-video', repo='.')['path'])"
    assert clone.run(sys.executable, "-c", code).stdout.strip() == "models/export"
    out = tmp_path / "model"
    clone.dvc("artifacts", "get", ".", "text-to-video", "--out", str(out))
    export = clone.folder / "models" / "export"
    names = {path.name for path in export.iterdir()}
    assert {path.name: path.read_bytes() for path in out.iterdir()} == {
        name: (export / name).read_bytes() for name in names
    }


class Repro:
    """``dvc repro train`` at work, and the trainer that it has started, which waits behind its first checkpoint."""

    def __init__(self, repository: Repository) -> None:
        self.log, self.gate = repository.folder.with_name("repro.log"), closed(repository.folder)
        self.scratch = repository.folder / ".dvc" / "tmp" / "text2video"
        command = [sys.executable, "-m", "dvc", "repro", "train"]
        environment = held_at_checkpoint(repository.environment(), self.gate)
        before = self._saved_at()
        with open(self.log, "w") as log:
            self.dvc = subprocess.Popen(command, cwd=repository.folder, env=environment, stdout=log, stderr=log)
        while self._saved_at() == before:
            assert self.dvc.poll() is None, self.log.read_text()
            time.sleep(0.01)
        (lock,) = self.scratch.glob("train-*/lock")
        self.trainer = int(lock.read_text())

    def _saved_at(self) -> list[int]:
        return [file.stat().st_mtime_ns for file in self.scratch.glob("train-*/checkpoint")]


def test_through_dvc_nothing_is_lost_either(repository: Repository, tmp_path: Path) -> None:
    """First the trainer is killed, then ``dvc`` itself, whose trainer then ends by itself; the last ``dvc repro`` makes
    what a single one would have made.
    """
    folder = repository.folder
    change(folder, "train", epochs=4)  # another run than the one that was done already
    change(folder, "runtime", checkpoint_every=0.001)
    calm = copy_inputs(folder, tmp_path / "calm", "train")
    run("train", calm)

    first = Repro(repository)
    os.kill(first.trainer, signal.SIGKILL)
    assert first.dvc.wait() == 255
    second = Repro(repository)
    second.dvc.kill()
    second.dvc.wait()
    second.gate.unlink()
    while list(second.scratch.glob("*/lock")):
        time.sleep(0.01)
    (step,) = re.findall(r"going on from step (\d+) of 12", repository.dvc("repro", "train"))
    assert 1 < int(step) < 12
    assert f"stopped at step {step} of 12" in second.log.read_text()

    made = {name: data for name, data in contents(calm).items() if name.startswith(("models/trained", "metrics"))}
    assert len(made) >= 8
    assert {name: (folder / name).read_bytes() for name in made} == made
    assert json.loads(made["metrics/train.json"])["steps"] == 12
    assert not second.scratch.exists()
    changed = {"dvc.lock", "params.yaml", "metrics/train.json"}
    assert {line[3:] for line in repository.git("status", "--short").splitlines()} == changed


# Each stage alone


def test_hostile_prompts_pass_through_dvc_as_they_are(repository: Repository) -> None:
    """``-S`` or a hand writes them to params.yaml, render reads them there: none reaches a shell or another file."""
    prompts = ["../../x", "; touch X", "$(touch X) `touch X`", "--out=elsewhere", "круг 😀 up", "a: [b, {c}] #"]
    quoted = ", ".join(json.dumps(prompt, ensure_ascii=False) for prompt in prompts)
    before = set(repository.folder.rglob("*"))
    apply_overrides(repository.folder / "params.yaml", [f"render.prompts=[{quoted}]"])  # what -S does
    assert load_params(repository.folder / "params.yaml").render.prompts == prompts
    prompts = ["${X} ${data.seed}", *prompts]  # -S would look for X, and refuse
    change(repository.folder, "render", prompts=prompts)
    assert ran(repository.dvc("exp", "run", "--name", "hostile", "render")) == ["check", "render"]
    videos = repository.folder / "data" / "videos"
    assert [video["prompt"] for video in json.loads((videos / "manifest.json").read_text())["videos"]] == prompts
    fresh = {path for path in set(repository.folder.rglob("*")) - before if not path.is_relative_to(videos)}
    assert not [path for path in fresh if not {".git", ".dvc", "__pycache__"} & set(path.parts)]


def test_help_explains_each_stage_without_loading_torch(finished: Repository) -> None:
    """It says what the stage writes, and comes at once."""
    code = f"""
import importlib, sys
sys.argv[1:] = ["--help"]
for stage in {STAGES}:
    importlib.import_module("stages." + stage).app(standalone_mode=False)
    print("torch" in sys.modules, end="###")
"""
    said = finished.run("python", "-c", code).stdout.split("###")[:-1]
    for stage, output in zip(STAGES, said, strict=True):
        assert "--root" in output
        folders = {"/".join(path.split("/")[:2]) for path in outputs(stages_of("")[stage])}
        told = " ".join(output.split())
        assert any(folder in told for folder in folders), f"--help of {stage} names none of {folders}"
        assert output.endswith("False")


@pytest.mark.parametrize(
    ("stage", "missing"),
    [
        ("check", "params.yaml"),
        ("synthesize", "params.yaml"),
        ("index", "data/train"),
        ("autoencode", "data/train"),
        ("train", "data/latents"),
        ("export", "models/codec"),
        ("render", "models/export"),
        ("evaluate", "models/export"),
    ],
)
def test_a_missing_input_is_one_line_that_says_what_to_do(
    finished: Repository, tmp_path: Path, stage: str, missing: str
) -> None:
    """Not a traceback: the file, and the way to get it."""
    if missing != "params.yaml":
        shutil.copy(finished.folder / "params.yaml", tmp_path)
    with pytest.raises(UserError) as caught:
        importlib.import_module(f"stages.{stage}").main(tmp_path)
    line = str(caught.value)
    assert str(tmp_path / missing) in line
    assert re.search(r"run |--root|dvc", line)
    assert "\n" not in line


def test_a_stage_that_fails_says_so_in_its_exit_code(finished: Repository, tmp_path: Path) -> None:
    """DVC, make and CI stop; the person reads one line."""
    shutil.copy(finished.folder / "params.yaml", tmp_path)
    (line,) = finished.stage("index", "--root", tmp_path, code=2).splitlines()
    assert line.startswith(f"error: {tmp_path}/data/train/index.json is missing")


def test_a_stage_works_on_the_folder_it_is_given(
    finished: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``--root`` is how one tree of code serves two pipelines; it counts from where one stands."""
    root = tmp_path / "root"
    shutil.copytree(finished.folder / "data" / "train", root / "data" / "train")
    shutil.copy(finished.folder / "params.yaml", root)
    monkeypatch.chdir(tmp_path)
    importlib.import_module("stages.index").main(Path("root"))
    made, first = (folder / "data" / "text" / "text.json" for folder in (root, finished.folder))
    assert made.read_bytes() == first.read_bytes()
