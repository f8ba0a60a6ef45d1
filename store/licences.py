"""Names licences alike, however a data set writes them, and says which ones let a row be given on by anybody."""

import re

UNKNOWN = "unknown"
PERMISSIVE = re.compile(
    r"apache-2\.0|mit|mit-0|isc|unlicense|bsd(?:-[23]-clause)?|cc0(?:-1\.0)?|cc-by(?:-[1-4]\.[05])?|odc-by(?:-1\.0)?"
    r"|pddl(?:-1\.0)?|cdla-permissive-[12]\.0|public-domain"
)
ALIASES = {"cc0": "cc0-1.0", "apache": "apache-2.0", "apache-2": "apache-2.0", "apache2": "apache-2.0", "": UNKNOWN}


def name_licence(told: str | None) -> str:
    """Return a licence as the Hub names it: `CC BY 4.0` is cc-by-4.0, and none at all is unknown."""
    name = re.sub(r"[\s_]+", "-", (told or "").strip().lower())
    name = re.sub(r"^(?:the-)?|(?:-license|-licence)$", "", name)
    name = re.sub(r"^apache-license,?-(?:version-)?", "apache-", name)
    return ALIASES.get(name, name)


def is_permissive(name: str) -> bool:
    """Whether a named licence asks for no more than credit: neither non-commercial, nor copyleft, nor unknown."""
    return PERMISSIVE.fullmatch(name) is not None
