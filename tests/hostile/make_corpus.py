"""Write the hostile corpus: make_corpus.py FOLDER.

Models and specs as strangers or accidents could make them, the sound ones that must be accepted
among them, and `index.json`, which says what has to become of each. What carries code would only
make a file `CANARY_*`, and nothing inflates to more than 200 MB.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from corpus.base import Corpus
from corpus.code import add_code
from corpus.configs import add_configs
from corpus.odd_configs import add_odd_configs
from corpus.odd_specs import add_odd_specs
from corpus.odd_weights import add_odd_weights
from corpus.odd_zips import add_odd_zips
from corpus.specs import add_specs
from corpus.weights import add_weights
from corpus.zips import add_zips


def make_corpus(folder: Path) -> Corpus:
    """Write all cases into `folder`, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    corpus = Corpus(folder)
    for add in (add_zips, add_configs, add_code, add_weights, add_specs):
        add(corpus)
    for add in (add_odd_zips, add_odd_configs, add_odd_weights, add_odd_specs):
        add(corpus)
    if not (folder / "fifo").exists():
        os.mkfifo(folder / "fifo")
    corpus.finish()
    return corpus


if __name__ == "__main__":
    made = make_corpus(Path(sys.argv[1]))
    print(f"{len(made.cases)} cases in {sys.argv[1]}")
