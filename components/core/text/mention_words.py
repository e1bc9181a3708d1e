"""Words out of which mentions of the left ventricle's systolic function are built (English)."""

from __future__ import annotations


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


# --- what is mentioned -------------------------------------------------------------------------
# Ejection fraction as one word, with its common transpositions.
EF = _set("ef efs lvef lvefs levf lvfe elvef ejectionfraction")
EF_FIRST = _set("ejection eject ej")
EF_SECOND = _set("fraction fractions fract frac fx fxn")
# Kinds of heart failure named by the ejection fraction; after a hyphen, the second half alone.
HF_KINDS = _set("hfref hfpef hfmref hfimpef hfrecef hfnef hfmidref hffef")
HF_HALVES = _set("ref pef mref impef nef")
# The label's other short names; `fs` and `muga` mean it only beside a value.
SHORT = _set("lvsd lvfs lvsf lvsdysfunction")
SHORT_WITH_VALUE = _set("fs muga rnv")
HEART_FAILURE = _set("hf chf adhf")
HF_BETWEEN = _set("( ) congestive decompensated and / & or - combined")

# Nouns of function, each with the words before them that make them the left ventricle's.
LEFT = _set("lv left biventricular lvs")
RIGHT = _set("rv right")
ANY_HEAD = LEFT | _set("systolic ventricular contractile pump cardiac heart myocardial ventricle")
NOUNS: dict[str, frozenset[str]] = {
    **dict.fromkeys(("function", "functions", "functioning", "fxn", "fx", "func"), ANY_HEAD),
    **dict.fromkeys(("dysfunction", "dysfxn", "dysfunctional", "disfunction"), ANY_HEAD),
    **dict.fromkeys(("contractility", "hypocontractility"), ANY_HEAD | {"contractility"}),
    **dict.fromkeys(("contraction", "performance", "impairment"), LEFT | {"systolic"}),
    "failure": LEFT,
    **dict.fromkeys(
        ("hypokinesis", "hypokinesia", "hypokinetic", "hypocontractile", "akinesis", "akinesia"),
        LEFT | _set("global globally diffuse diffusely generalized generalised"),
    ),
}
# A noun that stands for itself, without a word before it.
BARE_NOUNS = _set("contractility")
MODIFIERS = (
    ANY_HEAD
    | RIGHT
    | _set("diastolic global globally diffuse diffusely generalized generalised overall resting")
    | _set("regional estimated calculated visual chamber and & / - ' contractility")
)
BEFORE_EF = (
    LEFT | RIGHT | _set("ventricular ventricle systolic global overall estimated calculated")
)
CHAMBER = _set("lv ventricle ventricular")

# --- what is said of it ------------------------------------------------------------------------
SEVERITY = _set(
    "mild mildly moderate moderately severe severely severly marked markedly slight slightly "
    "significant significantly profound profoundly grossly globally global very extremely minimal "
    "minimally considerably somewhat newly persistently low- mid critically borderline diffusely"
)
STATE = _set(
    "reduced depressed impaired decreased diminished low lower lowered poor preserved normal "
    "abnormal normalized normalised hyperdynamic supranormal supernormal subnormal intact good "
    "excellent adequate fair satisfactory compromised weak weakened worse worsened worsening "
    "declined declining dropped drop fell fallen falling improved improving recovered stable "
    "unchanged increased elevated high vigorous hypocontractile hypokinetic maintained conserved "
    "deteriorated deteriorating limits wnl ok okay unremarkable absent present borderline failing "
    "suppressed dysfunction reduction decline decrease fall improvement recovery impairment "
    "increase deterioration"
)
# States that are said of something by way of `in` and `of`.
CHANGES = _set(
    "reduction decline decrease fall drop dropped improvement recovery impairment increase "
    "deterioration worsening reduced decreased"
)
NEGATION = _set("no not without never non absence lack denies")
# Between words of a description, and between a description and what it is said of.
JOINING = _set("and to or - – / & ,")
LEADING = _set("in of the his her its your their evidence signs sign any for known clinical with")

# --- between what is mentioned and its value ---------------------------------------------------
TIGHT = _set(
    "is was are were be been remains of at : = ~ ≈ ( [ < > ≤ ≥ - – — \" ' * _ | approximately "
    "approx about around roughly nearly estimated est ca only now currently % ) ]"
)
FILLERS = TIGHT | _set(
    ", / ± + → # & being remained has have had to in the a an near just under over above "
    "below less more than greater least most up down from calculated calc calculates equals "
    "equal measured assessed visually visual quantitative quantitatively biplane bi plane "
    "simpson simpsons simpson's teichholz method by via on per using with w echo "
    "echocardiogram echocardiography echocardiographic echocardiographically tte tee mri cmr "
    "spect scan report reported noted found showed shows showing demonstrated demonstrates "
    "revealed reveals and or but today current previously previous prior last recent recently "
    "initially baseline since then again still between range ranging value values estimate "
    "measurement as well which that it this mid upper lower low high not no after before "
    "during vs versus compared circa global systolic lv within preliminary only also all "
    "thought judged felt considered known documented percentage points"
)
EARLIER = _set("prior previous previously was from to now last baseline vs versus then before down")
# Behind these a full stop ends no sentence.
ABBREVIATED = _set("approx appr est ca calc prev vs avg")
PERCENT = _set("% ％ percent pct percentage cent")
CONNECT = _set("- – — ~ to / ± + → > and or through thru until")
NUMBER_WORDS = _set(
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty thirty forty fourty fifty sixty seventy eighty "
    "ninety hundred"
)
# Digits and their words below this are no ejection fraction unless a percent sign says so.
SMALL_WORDS = _set("one two three four")

# --- whose value it is instead -----------------------------------------------------------------
OTHERS = _set(
    "saturation saturations sat sats spo sao oxygen o fio hct hematocrit haematocrit stenosis "
    "stenosed stenotic occlusion occluded lesion blockage blocked room air predicted fev fvc dlco "
    "weight bmi hba neutrophils lymphocytes blasts burn burns tbsa narrowing confidence ci paced "
    "pacing capture adherence chance risk mortality probability survival tumor tumour necrosis "
    "cellularity humidity nasal appetite renal kidney hepatic"
)
TIME_UNITS = _set(
    "year years yr yrs yo y old month months mo mos week weeks wk wks day days hour hours hr hrs h "
    "min mins minutes"
)
UNITS = TIME_UNITS | _set(
    "mg mcg ug µg μg g kg lb lbs ml l dl cc cm mm m bpm beats mmhg ms msec sec hz units unit iu "
    "meq mmol ng pg u j watts vessel vessels lead leads mets french fr gauge"
)
