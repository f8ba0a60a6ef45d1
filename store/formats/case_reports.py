"""Case write-ups as in PsycoLLM: `general_info`, `case_introduction`, and further parts by name."""

from store.formats.format import Asked, Format, Row, find_text, list_fields, need_text

CASE = ("case_introduction", "case", "report")


def fits(row: Row) -> bool:
    return find_text(row, CASE) is not None


def read_seed(row: Row) -> Asked:
    return Asked(need_text(row, CASE), list_fields(row))


FORMAT = Format("case_reports", "`case_introduction`", ("seeds",), fits, read_seed=read_seed)
