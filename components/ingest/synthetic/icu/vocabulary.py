"""What is ordered, measured and done to ICU patients, under MIMIC-IV's own names and item ids.

Names and ids are those of the public demo's dictionaries; how often each is used is made up.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Lab:
    """A laboratory test.

    Attributes:
        item: id.
        label: in d_labitems.
        unit: as written.
        low: of the reference range.
        high: of it.
        mean: in a patient of mean severity.
        sd: between results.
        slope: in SDs per unit of severity.
        digits: after the point.
        category: in d_labitems.
    """

    item: int
    label: str
    unit: str
    low: float
    high: float
    mean: float
    sd: float
    slope: float
    digits: int
    category: str


def _labs(category: str, rows: tuple[tuple[int, str, str, float, float, float, float, float, int], ...]) -> tuple[Lab, ...]:  # fmt: skip  # noqa: E501
    return tuple(
        Lab(item=item, label=label, unit=unit, low=low, high=high, mean=mean, sd=sd, slope=slope,
            digits=digits, category=category)
        for item, label, unit, low, high, mean, sd, slope, digits in rows
    )  # fmt: skip


# Panels are drawn from one specimen; share of the specimens, then the tests.
PANELS: tuple[tuple[float, tuple[Lab, ...]], ...] = (
    (0.36, _labs("Chemistry", (
        (50971, "Potassium", "mEq/L", 3.3, 5.1, 4.2, 0.6, 0.2, 1),
        (50983, "Sodium", "mEq/L", 135, 147, 139, 5, 0.1, 0),
        (50912, "Creatinine", "mg/dL", 0.5, 1.2, 1.2, 0.5, 0.6, 1),
        (50902, "Chloride", "mEq/L", 96, 108, 103, 6, 0.1, 0),
        (51006, "Urea Nitrogen", "mg/dL", 6, 20, 24, 11, 0.6, 0),
        (50882, "Bicarbonate", "mEq/L", 22, 32, 24, 4, -0.6, 0),
        (50868, "Anion Gap", "mEq/L", 10, 18, 14, 3, 0.5, 0),
        (50931, "Glucose", "mg/dL", 70, 100, 135, 40, 0.3, 0),
        (50960, "Magnesium", "mg/dL", 1.6, 2.6, 2.1, 0.3, 0.0, 1),
    ))),
    (0.32, _labs("Hematology", (
        (51221, "Hematocrit", "%", 40, 51, 31, 5, -0.3, 1),
        (51222, "Hemoglobin", "g/dL", 13.7, 17.5, 10, 1.8, -0.3, 1),
        (51301, "White Blood Cells", "K/uL", 4, 10, 11, 5, 0.4, 1),
        (51265, "Platelet Count", "K/uL", 150, 400, 200, 80, -0.4, 0),
    ))),
    (0.16, _labs("Blood Gas", (
        (50820, "pH", "units", 7.35, 7.45, 7.38, 0.06, -0.6, 2),
        (50818, "pCO2", "mm Hg", 35, 45, 41, 8, 0.2, 0),
        (50821, "pO2", "mm Hg", 85, 105, 110, 45, -0.2, 0),
        (50802, "Base Excess", "mEq/L", -2, 2, -1, 4, -0.6, 0),
    ))),
    (0.10, _labs("Hematology", (
        (51274, "PT", "sec", 9.4, 12.5, 14.5, 4, 0.5, 1),
        (51237, "INR(PT)", "", 0.9, 1.1, 1.3, 0.4, 0.5, 1),
        (51275, "PTT", "sec", 25, 36.5, 36, 12, 0.4, 1),
    ))),
    (0.06, _labs("Chemistry", (
        (50861, "Alanine Aminotransferase (ALT)", "IU/L", 0, 40, 45, 30, 0.4, 0),
        (50878, "Asparate Aminotransferase (AST)", "IU/L", 0, 40, 55, 35, 0.4, 0),
        (50885, "Bilirubin, Total", "mg/dL", 0, 1.5, 1.0, 0.7, 0.5, 1),
    ))),
)  # fmt: skip
LACTATE = Lab(
    item=50813, label="Lactate", unit="mmol/L", low=0.5, high=2.0, mean=0.0, sd=0.0, slope=0.0,
    digits=1, category="Blood Gas",
)  # fmt: skip

# Drug, dose, unit, route; those of the well, those of anybody, those of the sick.
Drug = tuple[str, str, str, str]
WELL: tuple[Drug, ...] = (
    ("Docusate Sodium", "100", "mg", "PO"), ("Senna", "8.6", "mg", "PO/NG"),
    ("Metoprolol Tartrate", "25", "mg", "PO"), ("Aspirin", "81", "mg", "PO/NG"),
    ("Atorvastatin", "40", "mg", "PO/NG"), ("OxycoDONE (Immediate Release)", "5-10", "mg", "PO/NG"),
    ("Polyethylene Glycol", "17", "g", "PO/NG"), ("Levothyroxine Sodium", "50", "mcg", "PO/NG"),
)  # fmt: skip
COMMON: tuple[Drug, ...] = (
    ("0.9% Sodium Chloride", "1000", "mL", "IV"), ("Insulin", "0", "UNIT", "SC"),
    ("Heparin", "5000", "UNIT", "SC"), ("Potassium Chloride", "40", "mEq", "PO"),
    ("Magnesium Sulfate", "2", "gm", "IV"), ("Pantoprazole", "40", "mg", "IV"),
    ("Acetaminophen", "325-650", "mg", "PO/NG"), ("Ondansetron", "4", "mg", "IV"),
    ("Furosemide", "40", "mg", "IV"), ("Sodium Chloride 0.9%  Flush", "10", "mL", "IV"),
    ("5% Dextrose", "250", "mL", "IV DRIP"), ("Calcium Gluconate", "2", "gm", "IV"),
    ("HYDROmorphone (Dilaudid)", "0.5-1", "mg", "IV"), ("Lactated Ringers", "1000", "mL", "IV"),
)  # fmt: skip
SICK: tuple[Drug, ...] = (
    ("Fentanyl Citrate", "25-100", "mcg", "IV"), ("Propofol", "1000", "mg", "IV DRIP"),
    ("Midazolam", "2-4", "mg", "IV"), ("Vancomycin", "1000", "mg", "IV"),
    ("CefePIME", "2", "gm", "IV"), ("Meropenem", "1000", "mg", "IV"),
    ("Amiodarone", "150", "mg", "IV BOLUS"), ("Morphine Sulfate", "2-4", "mg", "IV"),
    ("Sodium Bicarbonate", "50", "mEq", "IV"),
)  # fmt: skip
PLANTED_DRUGS: dict[str, Drug] = {
    "norepinephrine": ("NORepinephrine", "8", "mg", "IV DRIP"),
    "vasopressin": ("Vasopressin", "40", "UNIT", "IV DRIP"),
}
COMFORT: Drug = ("Comfort Measures Only", "", "", "")

# Item, label, location, category; a task is over at once, another procedure goes on.
Procedure = tuple[int, str, str, str]
TASKS: tuple[Procedure, ...] = (
    (225459, "Chest X-Ray", "", "Imaging"), (225402, "EKG", "", "Procedures"),
    (221214, "CT scan", "", "Imaging"), (225401, "Blood Cultured", "", "Procedures"),
    (225454, "Urine Culture", "", "Procedures"), (225432, "Transthoracic Echo", "", "Procedures"),
    (228129, "Family updated by RN", "", "Communication"), (225966, "Nasal Swab", "", "Procedures"),
)  # fmt: skip
LASTING: tuple[Procedure, ...] = (
    (224275, "20 Gauge", "Right Antecubital", "Peripheral Lines"),
    (224277, "18 Gauge", "Left Antecubital", "Peripheral Lines"),
    (225752, "Arterial Line", "Left Radial", "Invasive Lines"),
    (224263, "Multi Lumen", "Right IJ", "Invasive Lines"),
    (229351, "Foley Catheter", "Urethral", "Tubes"),
)  # fmt: skip
PLANTED_PROCEDURES: dict[str, Procedure] = {
    "ventilation": (225792, "Invasive Ventilation", "", "Ventilation"),
    "dialysis": (225802, "Dialysis - CRRT", "Right IJ", "Dialysis"),
    "extubation": (227194, "Extubation", "", "Intubation/Extubation"),
}
# Item, label, usual ml an hour.
INGREDIENTS: tuple[tuple[int, str, float], ...] = (
    (220490, "Water", 50.0), (227074, "IVF ingredient", 50.0), (226060, "Calories", 20.0),
    (227075, "Oral/Gastric Ingredient", 60.0), (220363, "Calcium (ingr)", 10.0),
)  # fmt: skip
BLOOD = (226509, "Blood Ingredient", 150.0)

# Specimen's item and name, test's item and name, organisms that may grow.
Culture = tuple[int, str, int, str, tuple[str, ...]]
BLOOD_CULTURE: Culture = (70012, "BLOOD CULTURE", 90201, "Blood Culture, Routine", ())
CULTURES: tuple[Culture, ...] = (
    (70079, "URINE", 90039, "URINE CULTURE", ("ESCHERICHIA COLI", "YEAST")),
    (70062, "SPUTUM", 90055, "RESPIRATORY CULTURE",
     ("KLEBSIELLA PNEUMONIAE", "STAPH AUREUS COAG +", "YEAST")),
    (70091, "MRSA SCREEN", 90189, "MRSA SCREEN", ()),
    (*BLOOD_CULTURE[:4], ("ESCHERICHIA COLI", "ENTEROCOCCUS SP.")),
)  # fmt: skip
ORGANISMS: dict[str, int] = {
    "ESCHERICHIA COLI": 80002, "YEAST": 80075, "KLEBSIELLA PNEUMONIAE": 80004,
    "STAPH AUREUS COAG +": 80023, "ENTEROCOCCUS SP.": 80053,
}  # fmt: skip
ANTIBIOTICS: dict[str, int] = {
    "VANCOMYCIN": 90004, "GENTAMICIN": 90012, "LEVOFLOXACIN": 90016, "OXACILLIN": 90025,
}  # fmt: skip
