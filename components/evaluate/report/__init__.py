"""HTML report and model card of an evaluation, both from one `ReportData`."""
