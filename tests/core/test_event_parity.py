"""A stay of a prepared cohort and the same stay sent with a request are the same steps."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from components.core.bundle_events import MOST, sent_events, sequence_batch, taken
from components.core.bundle_files import EventFacts
from components.core.data.batches import event_batch
from components.core.data.cohort import Rows, read_part
from components.core.data.stored_events import EVENT_KINDS
from components.core.errors import RecordError
from tests.event_cohort import PREDICTION, ingested_stays, prepared_stays, write_stays

# Of one draw of blood: known at different times, which a request cannot say.
DRAW = (
    ("Lactate 4.5 mmol/L (0.5–2.0) abnormal", 40),
    ("Sodium 139 mEq/L (133–145)", 10),
    ("Lactate 1.1 mmol/L (0.5–2.0)", 30),
    ("Hematocrit 22 % (36-48)", 20),
)


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    folder = write_stays(tmp_path_factory.mktemp("raw"))
    events = pd.read_parquet(folder / "events.parquet")
    taken_at = PREDICTION - pd.Timedelta(hours=3)
    more = [
        {"stay_id": stay, "event_type": "lab", "event_text": text, "event_time": taken_at,
         "known": taken_at + pd.Timedelta(minutes=minutes)}
        for stay in events["stay_id"].unique()
        for text, minutes in DRAW
    ]  # fmt: skip
    events["known"] = events["event_time"]
    pd.concat([events, pd.DataFrame(more)]).to_parquet(folder / "events.parquet", index=False)
    cohort = prepared_stays(ingested_stays(folder, {"known_time": "known"}))
    return read_part(cohort, "holdout", "train")


def test_a_request_may_be_as_long_as_training_s_longest() -> None:
    one = {"hours_before_prediction": 1.0, "type": "lab", "text": "Lactate"}
    many = {"events": [one] * (MOST + 1)}
    with pytest.raises(RecordError, match=rf"above the limit of {MOST}"):
        sent_events(many, longest=MOST)
    sent = sent_events(many, longest=MOST + 1)
    assert sent is not None
    assert len(sent) == MOST + 1


def test_a_request_is_read_as_training_read_the_stay(rows: Rows) -> None:
    own = rows.events
    assert own is not None
    given = EventFacts(
        comfort_care="drop", time="scalar", width=own.stats.width, longest=50, absence_taught=False
    )
    rng = np.random.default_rng(0)
    for number in range(8):
        flat = own.events(np.array([number]))
        told = [
            {"hours_before_prediction": seconds / 3600, "type": EVENT_KINDS[kind], "text": text}
            for seconds, kind, text in zip(
                flat.seconds.tolist(), flat.kind.tolist(), own.texts_of(flat), strict=True
            )
        ]
        assert {text for text, _ in DRAW} <= {str(event["text"]) for event in told}
        sent = [told[place] for place in rng.permutation(len(told))]
        found = sequence_batch(own.stats, taken(sent_events({"events": sent}), given), "")
        expected = event_batch(own, np.array([number]))
        for key, values in expected.items():
            torch.testing.assert_close(found[key], values, atol=1e-6, rtol=0)
