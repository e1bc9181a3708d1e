"""What was read of a request, as pictures: the ECG on paper, the page, the sound's course.

SVG throughout; a photograph of a page lies within one. Nothing in them says who the patient is.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from html import escape

import numpy as np
import numpy.typing as npt
from PIL import Image

from components.core.readers.audio import Sound, read_audio
from components.core.readers.image import read_image
from components.core.report.ecg_paper import Tracing, draw
from components.core.report.ecg_trace import path, thinned
from components.core.signals.signal import Signal
from components.serve.order import ECG, IMAGE, SOUND, Upload

# A sheet holds ten seconds; what is read for it may be a day long.
_SHOWN_S = 10.0
_WIDEST = 1200
# Of the sound's picture: width, half its height, and how wide a bin of its line is.
_WIDE, _HALF, _BIN = 1000, 100, 1
_STANDARDISED = "z"


def drawings(signal: Signal | None, files: Mapping[str, Sequence[Upload]]) -> list[dict[str, str]]:
    """Return pictures of what was read, each with `name`, `title`, `svg` and `alt`.

    Args:
        signal: the ECG; None without one.
        files: part → files, read before without an error.
    """
    found = [] if signal is None else [_ecg(signal)]
    found += [_page(each) for each in files.get(IMAGE, ())]
    sounds = files.get(SOUND, ())
    return found + [_sound(each, n, len(sounds)) for n, each in enumerate(sounds, start=1)]


def _ecg(signal: Signal) -> dict[str, str]:
    """Return the first ten seconds of every lead that the file has."""
    title = "ECG as it was read"
    facts = f"{len(signal.leads)} leads, {signal.fs:g} Hz, {signal.samples / signal.fs:.1f} s"
    if signal.unit == _STANDARDISED:
        # Its heights are no millivolts, and paper would say so.
        words = f"{facts}; standardised before it came, so that it cannot be drawn in millivolts"
        return {"name": ECG, "title": title, "svg": _words(words), "alt": words}
    first = replace(signal, values=signal.values[:, : round(_SHOWN_S * signal.fs)])
    values = np.where(np.isfinite(own := first.physical()), own, np.nan)
    tracing = Tracing(signals=values, leads=signal.leads, fs=signal.fs)
    names = f"{facts} ({', '.join(signal.leads)}), {signal.unit}"
    svg = draw(tracing, title=title, facts=(names,))
    return {"name": ECG, "title": title, "svg": svg, "alt": f"ECG on paper: {names}"}


def _page(upload: Upload) -> dict[str, str]:
    picture = Image.fromarray(read_image(upload.file()).pixels)
    wide, high = picture.size
    picture.thumbnail((_WIDEST, _WIDEST))
    packed = io.BytesIO()
    picture.save(packed, "JPEG", quality=85)
    data = base64.b64encode(packed.getvalue()).decode()
    size = f'width="{picture.width}" height="{picture.height}"'
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} '
        f'viewBox="0 0 {picture.width} {picture.height}">'
        f'<image {size} href="data:image/jpeg;base64,{data}"/></svg>'
    )
    alt = f"ECG image as it was read, {wide} × {high} pixels"
    return {"name": IMAGE, "title": "ECG image as it was read", "svg": svg, "alt": alt}


def _sound(upload: Upload, number: int, count: int) -> dict[str, str]:
    sound = read_audio(upload.file())
    values = sound.scaled()
    which = f" {number} of {count}" if count > 1 else ""
    alt = f"Heart sound{which} as it was read: {len(values) / sound.fs:.1f} s at {sound.fs:g} Hz"
    return {
        "name": SOUND,
        "title": f"Heart sound{which} as it was read",
        "svg": _course(values.astype(np.float64), sound, alt),
        "alt": alt,
    }


def _course(values: npt.NDArray[np.float64], sound: Sound, words: str) -> str:
    most = float(np.abs(values).max(initial=0.0)) or 1.0
    x = np.arange(values.size, dtype=np.float64) * (_WIDE / max(1, values.size - 1))
    y = _HALF - values / most * (_HALF - 2)
    keep = thinned(x, y, _BIN)
    line = path(x[keep], y[keep])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{_WIDE}" '
        f'height="{2 * _HALF + 20}" viewBox="0 0 {_WIDE} {2 * _HALF + 20}">'
        f'<title>{escape(words)}</title><rect width="100%" height="100%" fill="#fff"/>'
        f'<path d="{line}" fill="none" stroke="#1a1a1a" stroke-width="0.8"/>'
        f'<text x="0" y="{2 * _HALF + 15}" font-family="sans-serif" font-size="13">0 s</text>'
        f'<text x="{_WIDE}" y="{2 * _HALF + 15}" font-family="sans-serif" font-size="13" '
        f'text-anchor="end">{values.size / sound.fs:.1f} s</text></svg>'
    )


def _words(text: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDE}" height="40" '
        f'viewBox="0 0 {_WIDE} 40"><text x="5" y="25" font-family="sans-serif" '
        f'font-size="14">{escape(text)}</text></svg>'
    )
