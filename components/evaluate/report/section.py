"""Sections of the report; they are the same on every page (`components.core.report.section`)."""

from components.core.report.section import Notice as Notice
from components.core.report.section import Plot as Plot
from components.core.report.section import Section as Section
from components.core.report.section import Table as Table
