"""An explanation as plain data, for HTTP."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from components.core.bundle_explanation import Explanation
from components.serve.answering import finite


def as_data(found: Explanation) -> dict[str, Any]:
    """Return an explanation as `components.serve.schema.Explanation` has it, less the answer."""
    return {
        "method": found.method,
        "quantity": found.quantity,
        "baseline": dict(found.baseline),
        "log_odds": finite(found.log_odds),
        "baseline_log_odds": finite(found.baseline_log_odds),
        "error": finite(found.error),
        "modalities": [
            {"name": each.name, "title": each.title, "value": finite(each.value)}
            for each in found.modalities
        ],
        "groups": [
            {
                "kind": each.kind,
                "title": each.title,
                "names": list(each.names),
                "values": [finite(value) for value in each.values],
            }
            for each in found.groups
        ],
        "drawings": [asdict(each) for each in found.drawings],
    }
