"""How CTRCD is graded: biomarker cut-offs and what else the definition leaves to the assay."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from components.core.config.base import Frozen

Grade = Literal["mild", "moderate", "severe", "very_severe"]


class Biomarker(Frozen):
    """When a biomarker has newly risen; values in the unit of `MEASUREMENT_UNITS`.

    Attributes:
        cutoff: upper reference limit of the assay in use.
        inclusive: a value equal to the cut-off counts as raised.
        rise_percent: with a baseline above the cut-off already, a rise by more than this share of
            it is new; None knows no new rise from such a baseline.
    """

    cutoff: float = Field(gt=0)
    inclusive: bool = False
    rise_percent: float | None = Field(default=None, gt=0)


class CtrcdConfig(Frozen):
    """Cut-offs of the definition of the 2022 ESC guideline (IC-OS; Herrmann et al. 2022).

    The LVEF and GLS limits are the definition itself and stay in the code. A troponin counts above
    the assay's 99th percentile, NT-proBNP from 125 pg/mL on (Lyon et al. 2022, table 3). From a
    raised baseline a troponin has to change by more than 20 % (Fourth Universal Definition of
    Myocardial Infarction, Thygesen et al. 2018); no such figure is given for NT-proBNP.

    Attributes:
        troponin_t: ng/L; 14 is the 99th percentile of Elecsys hs-cTnT (Giannitsis et al. 2010).
        troponin_i: ng/L; 26.2 is that of ARCHITECT STAT hs-cTnI, both sexes (Apple et al. 2012);
            other assays differ: give your own.
        nt_probnp: pg/mL.
        together_days: measurements up to this many days apart describe one state; the default is a
            three-weekly treatment cycle. A criterion met by several counts from the last of them.
    """

    troponin_t: Biomarker = Biomarker(cutoff=14, rise_percent=20)
    troponin_i: Biomarker = Biomarker(cutoff=26.2, rise_percent=20)
    nt_probnp: Biomarker = Biomarker(cutoff=125, inclusive=True)
    together_days: float = Field(default=21, ge=0)
