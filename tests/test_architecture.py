"""The shape of the house: who may import whom, how long a function may be, what no file may say."""

import ast
import re
import subprocess
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from import_graph import ROOT, closure, graph, imports, modules

from text2video.models.kinds import KINDS
from text2video.text.pretrained import Pretrained

# From the top down: a module imports from its own row and from the rows below it. One that no row names is a tool
# (files, params, media, ...): it lies below them all, and imports only other tools.
LAYERS = (
    ("stages", "text2video.__main__", "text2video.cli"),
    (
        "text2video",  # the package itself, which offers `load_model`
        "text2video.autoencode",
        "text2video.bundle",
        "text2video.check",
        "text2video.evaluate",
        "text2video.index",
        "text2video.pipelines",
        "text2video.proof",
        "text2video.render",
        "text2video.report",
        "text2video.synthesize",
        "text2video.training",
        "text2video.weights",
        "text2video.wishes",
    ),
    (
        "text2video.models",
        "text2video.judge",
        "text2video.measure",
        "text2video.world",
        "text2video.text",
        "text2video.data",
    ),
)
# The judge must not know how clips are drawn or made, the model must not know what a circle is or how it is judged, and
# what is measured without labels must not know what labels there could be, or read as the model reads.
STRANGERS = {
    "text2video.measure": ("text2video.world", "text2video.judge", "text2video.models", "text2video.text"),
    "text2video.judge": ("text2video.world", "text2video.models"),
    "text2video.models": ("text2video.world", "text2video.judge"),
}
LONGEST = 60  # lines of a function, or of a stage: what a tall screen shows

# (The brackets keep each pattern from finding itself.)
FORBIDDEN = {
    "a package index": r"pypi[.]org|python[h]osted|index[-]url|find[-]links|[f]ile://",
    "a path of one machine": r"(?<![\w.~-])/([w]ork|[r]oot|[h]ome|[U]sers|[o]pt)/",
}

PATH = {
    "video_gan": (32, 3612),
    "flow": (32, 3313),
    "frame_gan": (31, 3041),
}  # files and lines; the aim is 15 and 2,000


def unit(module: str) -> str:
    """The entry of LAYERS that a module belongs to, or a tool's own name."""
    for entry in (entry for row in LAYERS for entry in row):
        if module == entry or (module.startswith(f"{entry}.") and entry != "text2video"):
            return entry
    return module


def layer(module: str) -> int:
    """The row of LAYERS, 0 at the top; tools lie below the last."""
    return next((number for number, row in enumerate(LAYERS) if unit(module) in row), len(LAYERS))


def test_imports_run_one_way() -> None:
    """From the stages down: a lower module can be read, tested and changed without those above it."""
    upward = [f"{a} imports {b}" for a, targets in graph().items() for b in targets if layer(a) > layer(b)]
    assert not upward, upward


def test_no_import_runs_in_a_circle() -> None:
    """Neither between modules nor, within a row, between packages."""
    edges = graph()
    units: dict[str, set[str]] = {}
    for module, targets in edges.items():
        units.setdefault(unit(module), set()).update({unit(target) for target in targets} - {unit(module)})
    for circleless in (edges, units):
        try:
            TopologicalSorter(circleless).prepare()
        except CycleError as error:
            pytest.fail(f"circular import: {' <- '.join(error.args[1])}")


@pytest.mark.parametrize("package", STRANGERS)
def test_strangers_stay_strangers(package: str) -> None:
    """A judge that could see how a clip was drawn would judge the prompt, and not the pixels; by no detour either."""
    edges = graph()
    reached = {name for module in edges if unit(module) == package for name in closure(edges, module)}
    known = [name for name in reached if unit(name) in STRANGERS[package]]
    assert not known, f"{package} reaches {known}"


def test_stages_hold_no_model_code() -> None:
    """A stage reads its parameters and calls one function: it is short, and has no use for torch."""
    for name, path in modules().items():
        if name.startswith("stages"):
            roots = {imported.split(".")[0] for imported in imports(path)}
            assert "torch" not in roots, f"{name} imports torch"
            assert len(path.read_text().splitlines()) < LONGEST, f"{name} is too long for a stage"


def test_functions_fit_a_screen() -> None:
    """One thought each, read without scrolling."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    lengths = {
        f"{name}.{node.name}": (node.end_lineno or 0) - node.lineno + 1
        for name, path in modules().items()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, functions)
    }
    assert not {name: length for name, length in lengths.items() if length > LONGEST}


@pytest.mark.parametrize("kind", KINDS)
def test_the_newcomers_path_does_not_grow(kind: str) -> None:
    """What there is to read of stage train for one kind of model and text: printed by `-s`, no longer than it was."""
    edges, files = graph(), modules()
    others = {name.partition(":")[0] for other, name in KINDS.items() if other != kind} | {Pretrained.__module__}
    path = closure({module: targets - others for module, targets in edges.items()}, "stages.train")
    lines = {module: len(text.splitlines()) for module in path if (text := files[module].read_text()).strip()}
    print(f"\nstage train, {kind}: {len(lines)} files, {sum(lines.values())} lines")
    for module, length in sorted(lines.items(), key=lambda item: -item[1]):
        print(f"{length:6} {module}")
    most_files, most_lines = PATH[kind]
    assert (len(lines) <= most_files, sum(lines.values()) <= most_lines) == (True, True), lines


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="needs git to tell which files belong to the project")
@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_names(what: str) -> None:
    """The project works with whatever index and folders the person has; no file carries those of one machine."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    found = [f"{name}:{line}" for name in sorted(filter(None, names)) for line in matches(ROOT / name, FORBIDDEN[what])]
    assert not found, found


def matches(path: Path, pattern: str) -> list[str]:
    """The lines of a text file in which the pattern is found; none for a binary or a deleted file."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
        return []
    return [f"{number}: {line.strip()[:80]}" for number, line in enumerate(lines, 1) if re.search(pattern, line)]
