"""Which module of `src` and `stages` imports which, read from the source without running it."""

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FACADE = "text2video"  # its `load_model` is imported at first use only, so importing the package is not importing that
Graph = Mapping[str, set[str]]


@cache
def modules(root: Path = ROOT) -> dict[str, Path]:
    """The file of every module, by dotted name; a package goes by its own name."""
    found = {}
    for base, folder in ((root / "src", "text2video"), (root, "stages")):
        for path in sorted((base / folder).rglob("*.py")):
            parts = path.relative_to(base).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(path: Path) -> Iterator[str]:
    """The dotted names that a file imports anywhere, inside functions too: `from a import b` gives `a.b`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and re.fullmatch(r"text2video[.\w]+:\w+", str(node.value)):
            yield str(node.value).partition(":")[0]  # a module that is imported by its name when it is asked for


@cache
def graph(root: Path = ROOT) -> dict[str, set[str]]:
    """For every module the modules of this project that it imports by name."""
    files = modules(root)

    def resolve(name: str) -> str | None:
        """The module that holds `name`; `from text2video import __version__` needs none."""
        if name in files:
            return name
        parent, _, last = name.rpartition(".")
        return None if last.startswith("__") or parent not in files else parent

    found = {module: {resolve(name) for name in imports(path)} - {None, module} for module, path in files.items()}
    return {module: {target for target in targets if target} for module, targets in found.items()}


def closure(edges: Graph, start: str) -> set[str]:
    """All that runs when `start` is imported and its functions are called, itself and the packages around included."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        module = waiting.pop()
        if module not in seen:
            seen.add(module)
            parents = [module.rsplit(".", n)[0] for n in range(1, module.count(".") + 1)]
            waiting += [*parents, *(edges[module] if module != FACADE else ())]
    return seen
