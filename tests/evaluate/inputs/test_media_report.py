from __future__ import annotations
import shutil
from pathlib import Path

def test_x(examples) -> None:
    for name in ("media", "media_folds"):
        done = examples(name)
        out = Path(f"/tmp/w/runs8/evaluate/{name}")
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(done.stage.folder, out)
        print(done.stage.facts["headline"])
        for k, v in sorted(done.stage.facts["figures"].items()):
            print(k, v)
        print(done.stage.facts["tags"])
