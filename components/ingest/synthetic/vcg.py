"""One heartbeat as Gaussians of the cardiac dipole, and its projection to the leads.

The dipole (vectorcardiogram) of each wave is a sum of Gaussians in time with an amplitude in three
dimensions (McSharry et al. 2003; Sameni et al. 2007). Axes in the order of Frank's leads: x to the
patient's left, y to the feet, z to the back. `DOWER` (Dower et al. 1980) gives the eight
independent leads; the other four limb leads are linear in I and II, so Einthoven's and
Goldberger's relations hold exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

LEADS_8 = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
LEADS_12 = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
# Dower GE, Machado HB, Osborne JA. Clin Cardiol 1980;3:87-95, rows in the order of LEADS_8.
DOWER = np.array(
    [
        [0.632, -0.235, 0.059],
        [0.235, 1.066, -0.132],
        [-0.515, 0.157, -0.917],
        [0.044, 0.164, -1.387],
        [0.882, 0.098, -1.277],
        [1.213, 0.127, -0.601],
        [1.125, 0.127, -0.086],
        [0.831, 0.076, 0.230],
    ]
)
SEGMENTS = ("P", "QRS", "ST", "T")


@dataclass(frozen=True, kw_only=True)
class Morphology:
    """One heart's beat; the five scores are the informative part, standard deviations.

    Attributes:
        r_amplitude: loss of the forces towards V1-V4.
        r_progression: turning of the QRS to the back, so that R grows later over V1-V4.
        qrs_width: widening of the QRS.
        t_v5v6: loss, then inversion, of T towards V5-V6.
        qtc: lengthening of the corrected QT.
        gain: overall amplitude (body build), factor.
        axis: frontal QRS axis against the template, radians, positive towards the feet.
        turn: horizontal turn of the heart, radians.
        pr: onset of P to onset of QRS, seconds.
        p_gain: amplitude of P, factor.
        st: level of the ST segment along T, mV.
    """

    r_amplitude: float = 0.0
    r_progression: float = 0.0
    qrs_width: float = 0.0
    t_v5v6: float = 0.0
    qtc: float = 0.0
    gain: float = 1.0
    axis: float = 0.0
    turn: float = 0.0
    pr: float = 0.155
    p_gain: float = 1.0
    st: float = 0.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Kernels:
    """Gaussians of one beat: centre and width `[kernels]` in s from R, dipole `[kernels, 3]` in mV.

    `wave` gives each kernel's place in `SEGMENTS`.
    """

    centre: FloatArray
    width: FloatArray
    dipole: FloatArray
    wave: npt.NDArray[np.int64]

    def dipole_at(self, seconds: FloatArray) -> FloatArray:
        """Return the dipole `[..., 3]` in mV at times `[...]` from the R peak."""
        bell = np.exp(-0.5 * ((seconds[..., None] - self.centre) / self.width) ** 2)
        return bell @ self.dipole


# centre (s), width (s) and dipole x, y, z (mV) of the QRS for an unstretched beat: septum, apex and
# free wall, posterior wall, base. Chosen so that the projected leads look like a normal adult's.
_QRS = np.array(
    [
        [-0.0255, 0.0085, -0.13, -0.05, -0.19],
        [-0.0020, 0.0118, 1.00, 0.76, 0.02],
        [0.0145, 0.0118, 0.42, 0.14, 0.60],
        [0.0375, 0.0105, -0.22, -0.15, 0.16],
    ]
)
# Right, then left atrium; centres from the onset of P, in s.
_P = np.array([[0.035, 0.017, 0.035, 0.075, -0.035], [0.065, 0.019, 0.065, 0.055, 0.030]])
_T = np.array([0.27, 0.19, -0.14])
_QRS_ONSET = 0.047
# Effect of one SD of each score. Sizes stay within the spread among healthy adults (QRS 88 +- 9 ms,
# QTc 415 +- 20 ms, R in V5 and T in V5-V6 varying by about 40 %; Rijnbeek et al. 2014).
_R_AMPLITUDE = 0.20
_R_PROGRESSION = 0.16
_QRS_WIDTH = 0.10
_T_LOSS = 0.36
_QTC_S = 0.018
_QTC_MEAN_S = 0.424


def beat(form: Morphology, *, rr: float) -> Kernels:
    """Return the Gaussians of a sinus beat after an interval of `rr` seconds."""
    stretch = 1.0 + _QRS_WIDTH * np.clip(form.qrs_width, -3.0, 5.0)
    qrs = _QRS.copy()
    qrs[:, :2] *= stretch
    # The amplitude falls in the forces that V1-V4 see: x and z of every part, but not y.
    qrs[:, [2, 4]] *= np.exp(-_R_AMPLITUDE * form.r_amplitude)
    qrs[:3, 4] += _R_PROGRESSION * form.r_progression * np.array([0.35, 1.0, 0.5])
    onset = _QRS_ONSET * stretch
    p = _P.copy()
    p[:, 0] += -onset - form.pr
    p[:, 2:] *= form.p_gain
    waves = np.vstack([p, _turned(qrs, form), *_repolarisation(form, rr=rr, onset=onset)])
    return Kernels(
        centre=waves[:, 0],
        width=waves[:, 1],
        dipole=waves[:, 2:] * form.gain,
        wave=np.repeat(np.arange(4), [2, 4, 1, 2]),
    )


def _repolarisation(form: Morphology, *, rr: float, onset: float) -> tuple[FloatArray, FloatArray]:
    """Return the ST and T rows; QT by Fridericia's formula (QT = QTc * RR^(1/3))."""
    qt = (_QTC_MEAN_S + _QTC_S * form.qtc) * rr ** (1.0 / 3.0)
    t = _T.copy()
    t[0] *= 1.0 - _T_LOSS * form.t_v5v6
    # T ends two widths after its later, narrower part; both scale with the interval.
    scale = rr ** (1.0 / 3.0)
    late = qt - onset - 0.060 * scale
    rows = np.array(
        [[late - 0.045 * scale, 0.045 * scale, *(0.55 * t)], [late, 0.030 * scale, *(0.62 * t)]]
    )
    level = form.st * _T / float(np.linalg.norm(_T))
    st = np.array([[0.11, 0.035, *level]])
    return st, _turned(rows, form)


def _turned(rows: FloatArray, form: Morphology) -> FloatArray:
    """Turn the dipoles by the frontal axis (x to y) and the horizontal turn (x to z)."""
    out = rows.copy()
    x, y, z = rows[:, 2], rows[:, 3], rows[:, 4]
    x, y = (
        np.cos(form.axis) * x - np.sin(form.axis) * y,
        np.sin(form.axis) * x + np.cos(form.axis) * y,
    )
    out[:, 2] = np.cos(form.turn) * x - np.sin(form.turn) * z
    out[:, 3] = y
    out[:, 4] = np.sin(form.turn) * x + np.cos(form.turn) * z
    return out


def ventricular(rr: float) -> Kernels:
    """Return a beat that starts in the ventricle: wide, no P, T against the QRS.

    `rr` only stretches the T wave.
    """
    scale = rr ** (1.0 / 3.0)
    rows = np.array(
        [
            [-0.02, 0.026, 0.55, 0.95, -0.60],
            [0.04, 0.030, -0.75, 0.55, 0.55],
            [0.30 * scale, 0.055, 0.15, -0.45, -0.05],
        ]
    )
    return Kernels(
        centre=rows[:, 0], width=rows[:, 1], dipole=rows[:, 2:], wave=np.array([1, 1, 3])
    )


def paced() -> Kernels:
    """Return a beat paced from the right ventricular apex: wide, leftwards and upwards."""
    rows = np.array(
        [
            [0.00, 0.032, 0.55, -0.75, 0.65],
            [0.05, 0.030, 0.35, -0.45, 0.75],
            [0.29, 0.055, -0.20, 0.30, -0.35],
        ]
    )
    return Kernels(
        centre=rows[:, 0], width=rows[:, 1], dipole=rows[:, 2:], wave=np.array([1, 1, 3])
    )


def twelve(leads8: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the twelve leads `[12, samples]` from the eight `[8, samples]`, order `LEADS_12`."""
    one, two = leads8[0], leads8[1]
    limb = [one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2]
    return np.vstack([np.stack(limb), leads8[2:]]).astype(np.float32)
