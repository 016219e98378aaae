"""One thin script per stage of the pipeline, each run as ``python -m stages.NAME``.

The tree that a stage lies in is the tree whose code it runs. DVC runs a queued or a temporary experiment in a copy of
the repository, with the environment of the original; an editable install there points back to the original's ``src``,
and would run its code instead of the experiment's, without a word. So this copy's ``src`` goes first.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))
