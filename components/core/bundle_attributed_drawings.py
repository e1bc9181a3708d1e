"""One record's ECG, picture and heart sounds with the attribution laid over them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.core.attribution.tiles import reduced
from components.core.bundle_attributed import Attributed, millivolts
from components.core.bundle_explanation import METHOD, Drawing
from components.core.bundle_files import BundleFacts
from components.core.data.batches import Batch, real_mask
from components.core.report.ecg_paper import Paper, Tracing, draw


@dataclass(frozen=True, kw_only=True, eq=False)
class Drawn:
    """What is drawn of one record.

    Attributes:
        raw: its batch, as any of the networks is handed it: signals and arrays are the same.
        facts: of the bundle.
        attributed: mean over the networks.
        beats: `[L]` parts of its beats; None without an ECG.
        lines: below the ECG's title.
    """

    raw: Batch
    facts: BundleFacts
    attributed: Attributed
    beats: npt.NDArray[np.int8] | None
    lines: tuple[str, ...]


def drawings(drawn: Drawn) -> tuple[Drawing, ...]:
    """Return a picture of each input that is there and can be drawn; none of them names anybody."""
    return tuple(_each(drawn))


def _each(drawn: Drawn) -> Iterator[Drawing]:
    there, ecg = drawn.attributed.grouped["modality"], drawn.facts.ecg
    # A standardised trace has no place on paper of 10 mm/mV.
    if "ecg" in there and ecg is not None and ecg.unit == "mV":
        yield _ecg(drawn, leads=ecg.leads, fs=ecg.fs)
    if "ecg_image" in there:
        yield _page(drawn)
    if "pcg" in there:
        yield _sound(drawn)


def _ecg(drawn: Drawn, *, leads: tuple[str, ...], fs: float) -> Drawing:
    real = real_mask(drawn.raw)
    own = millivolts(drawn.raw).astype(np.float64)
    tracing = Tracing(
        signals=own if real is None else np.where(real[0].numpy() > 0, own, np.nan),
        leads=leads,
        fs=fs,
        attribution=drawn.attributed.dense["ecg"],
        segments=drawn.beats,
    )
    title = "ECG with attribution"
    svg = draw(tracing, title=title, facts=drawn.lines, paper=Paper(event=drawn.facts.head))
    return Drawing(name="ecg", title=title, svg=svg, alt=f"{title}. {'; '.join(drawn.lines)}.")


def _page(drawn: Drawn) -> Drawing:
    from components.core.report.attributed import paper_page  # matplotlib
    from components.core.report.attributed.colour import limit_of, smoothed

    signed = reduced(drawn.attributed.dense["ecg_image"].sum(axis=0)[None, None])[0, 0]
    blocks = signed.astype(np.float64)
    page = paper_page.Page(
        grey=paper_page.grey_page(drawn.raw["ecg_image"][0].numpy().astype(np.float64)),
        signed=blocks,
        positive=None,
        limit=limit_of([smoothed(blocks, paper_page.SIGMA)]),
    )
    title = "ECG image with attribution"
    svg = paper_page.draw_page(page, name="ecg_image", event=drawn.facts.head).svg
    return Drawing(name="ecg_image", title=title, svg=svg, alt=_over(drawn, title))


def _sound(drawn: Drawn) -> Drawing:
    from components.core.report.attributed import spectrogram  # matplotlib
    from components.core.report.attributed.colour import limit_of, smoothed

    windows = np.flatnonzero(drawn.raw["pcg_valid"][0].numpy() > 0)
    blocks = reduced(drawn.attributed.dense["pcg"][None])[0][windows].astype(np.float64)
    shown = spectrogram.Spectrogram(
        levels=drawn.raw["pcg"][0].numpy().astype(np.float64)[windows],
        signed=blocks,
        windows=tuple(int(k) + 1 for k in windows),
        limit=limit_of([smoothed(own, spectrogram.SIGMA) for own in blocks]),
        sound=drawn.facts.sound,
    )
    title = "Heart sound with attribution"
    svg = spectrogram.draw_sound(shown, name="pcg", event=drawn.facts.head, method=METHOD).svg
    return Drawing(name="pcg", title=title, svg=svg, alt=_over(drawn, title))


def _over(drawn: Drawn, title: str) -> str:
    return f"{title}, orange towards {drawn.facts.head}, blue against it"
