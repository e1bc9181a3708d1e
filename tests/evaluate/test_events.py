"""A model of event sequences through the whole of `evaluate`."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.evaluate.conftest import Example


def test_figures_of_a_model_of_sequences(examples: Callable[[str], Example]) -> None:
    done = examples("events")
    found = json.loads((done.stage.folder / "metrics_test.json").read_text())
    print("\n".join(sorted(found)))
    html = (done.stage.folder / "report.html").read_text()
    import re
    print(re.sub(r"<[^>]+>", " ", re.sub(r"<svg.*?</svg>|<style.*?</style>|<script.*?</script>", "", html, flags=re.S)))
    print((done.stage.folder / "model_card.md").read_text())
