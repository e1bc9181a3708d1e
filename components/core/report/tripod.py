"""The reporting items of TRIPOD+AI (Collins et al., BMJ 2024;385:e078378), in our own words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Item:
    """One item of the checklist."""

    number: str
    section: str
    asks: str


_SECTIONS: dict[str, dict[str, str]] = {
    "Title and abstract": {
        "1": "Kind of study, population and outcome in the title",
        "2": "Structured abstract",
    },
    "Introduction": {
        "3a": "Clinical setting and reason for the model",
        "3b": "Target population, intended use and users",
        "3c": "Known health inequalities",
        "4": "Objective: development, evaluation or both",
    },
    "Methods": {
        "5a": "Source of the data",
        "5b": "Dates of recruitment and follow-up",
        "6a": "Setting, number and place of centres",
        "6b": "Who was eligible",
        "6c": "Treatments received",
        "7": "Preparation and quality checks of the data",
        "8a": "Outcome and its horizon",
        "8b": "Who judged the outcome",
        "8c": "Blinding of that judgement",
        "9a": "How candidate predictors were chosen",
        "9b": "Definition of each predictor and time of its measurement",
        "9c": "Who judged predictors that need judgement",
        "10": "Sample size and its justification",
        "11": "Missing data",
        "12a": "Division into training, validation and test data",
        "12b": "Form in which predictors enter",
        "12c": "Kind of model, training, tuning, internal validation",
        "12d": "Differences between clusters such as hospitals",
        "12e": "Measures of performance",
        "12f": "Updating of the model after evaluation",
        "12g": "How predictions were calculated for evaluation",
        "13": "Class imbalance and its correction",
        "14": "Fairness and its assessment",
        "15": "Output of the model and threshold",
        "16": "Differences between development and evaluation data",
        "17": "Ethical approval",
    },
    "Open science": {
        "18a": "Funding",
        "18b": "Conflicts of interest",
        "18c": "Protocol",
        "18d": "Registration",
        "18e": "Availability of data",
        "18f": "Availability of code",
    },
    "Patient and public involvement": {"19": "Involvement of patients and public"},
    "Results": {
        "20a": "Flow of participants, with and without the outcome",
        "20b": "Characteristics of participants",
        "20c": "Predictors in development against evaluation data",
        "21": "Participants and events in each analysis",
        "22": "The full model, so that others can use it",
        "23a": "Performance with intervals, in subgroups too",
        "23b": "Performance in each cluster",
        "24": "Result of updating",
    },
    "Discussion": {
        "25": "Interpretation, fairness included",
        "26": "Limitations",
        "27a": "Input that is poor or absent when the model is used",
        "27b": "What users must do and know",
        "27c": "Next steps, generalisability",
    },
}
ITEMS = tuple(
    Item(number, section, asks)
    for section, items in _SECTIONS.items()
    for number, asks in items.items()
)
