"""What the tests share: a calm hypothesis, and one small run of the whole pipeline."""

import os
from pathlib import Path

import pytest
from hypothesis import settings
from tiny import Repository, make_repository

# Before torch is loaded: on cores that are shared, several threads wait for each other; and one gives the same bits.
os.environ.setdefault("OMP_NUM_THREADS", "1")
settings.register_profile("calm", deadline=None)  # a busy machine is several times slower than a calm one
settings.load_profile("calm")


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A repository in which ``dvc repro`` has run once, its results committed. To look at, not to change."""
    repository = make_repository(tmp_path_factory.mktemp("pipeline") / "finished")
    repository.dvc("repro")
    repository.commit("The results")
    return repository


@pytest.fixture
def repository(finished: Repository, tmp_path: Path) -> Repository:
    """A copy of the finished repository, to change at will."""
    return finished.copy(tmp_path / "repository")


LONGEST = ("pipeline", "resume", "ranks", "evaluate", "faults", "world", "videos", "judge", "params", "console")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take longest come first, so that no worker waits for the other in the end."""
    order = {f"test_{name}": number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.stem, len(order)))
