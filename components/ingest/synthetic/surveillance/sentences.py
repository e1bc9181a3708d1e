"""Sentences that say nothing of the heart's function, headings, and frames of the findings."""

from __future__ import annotations

# How a note names a finding, by its kind; `{}` is one of the finding's forms.
ASSERTED = {
    "symptom": ("Reports {}.", "Complains of {}.", "c/o {}.", "Has {} since the last visit."),
    "sign": ("{} noted.", "{} present.", "Exam: {}."),
    "history": ("History of {}.", "Of note: {}.", "Hx: {}."),
}
NEGATED = {
    "symptom": ("Denies {}.", "No {}.", "No c/o {}."),
    "sign": ("No {}.", "Exam without {}.", "{} absent."),
    "history": ("No {}.", "No hx of {}."),
}
HEADINGS = (
    "CARDIO-ONCOLOGY CLINIC NOTE",
    "Oncology follow-up",
    "Outpatient letter",
    "Nursing telephone note",
    "Day clinic record",
)
SECTIONS = {
    "symptom": ("Interval history:", "HPI:", "Subjective:"),
    "sign": ("Examination:", "O/E:", "Objective:"),
    "history": ("Past history and medication:", "PMH/Meds:"),
    "other": ("Social and other:", "Other:", "Misc:"),
}
PLANS = (
    "Plan: continue as before, next visit in three months.",
    "Plan: bloods today, review by telephone.",
    "Plan: routine ECG and echo as per surveillance protocol.",
    "Plan: letter to GP.",
    "Plan: nurse-led clinic, return if unwell.",
)
UNINFORMATIVE = {
    "symptom": (
        "Tingling in both hands, unchanged.", "Appetite fair.", "Sleeps six hours a night.",
        "Denies fever or chills.", "Mouth is dry in the mornings.", "Occasional headache.",
        "Hot flushes, tolerable.", "No nausea since the last cycle.", "Joint pain in the knees.",
        "Mood stable.", "Constipation relieved by diet.", "Itching at the port site.",
        "Hair is growing back.", "Low back pain after gardening.", "Vision unchanged.",
    ),
    "sign": (
        "Port site clean and dry.", "Abdomen soft, non-tender.", "No lymph nodes felt.",
        "Skin warm, no rash.", "Temperature 36.8.", "Scar well healed.", "Gait steady.",
        "Neuro exam grossly intact.", "Oral mucosa intact.", "Breast exam without new lump.",
    ),
    "history": (
        "Levothyroxine 75 mcg daily.", "Vitamin D once a week.", "Omeprazole 20 mg as needed.",
        "Appendectomy in childhood.", "Tamoxifen continued.", "Allergic to penicillin.",
        "Influenza vaccine given.", "Paracetamol for pain.", "Cataract surgery last year.",
        "Completed the planned course of treatment.", "Family history of breast cancer.",
    ),
    "other": (
        "Lives with partner.", "Works part time in an office.", "Never smoker.",
        "Stopped smoking ten years ago.", "Drinks a glass of wine at weekends.",
        "Two grown-up children.", "Walks the dog daily.", "Retired teacher.",
        "Has a driving licence.", "Plans a holiday by the sea.", "Speaks through an interpreter.",
        "Needs a parking permit.", "Came with her sister.", "Enjoys choir singing.",
        "Advance directive discussed.", "Insurance form completed.",
    ),
}  # fmt: skip
