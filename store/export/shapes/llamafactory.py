"""ShareGPT lines with the dataset_info.json by which LLaMA-Factory finds and reads them."""

from pathlib import Path
from typing import Any

import orjson

from store.export.shapes.sharegpt import write_pair, write_talk
from store.mix import Mix

__all__ = ["describe", "write_pair", "write_talk"]
TAGS = {"role_tag": "from", "content_tag": "value", "user_tag": "human", "assistant_tag": "gpt"}


def describe(folder: Path, mix: Mix) -> None:
    """Write the file that registers each split under the mix's name."""
    columns = {"messages": "conversations", "system": "system"}
    kind: dict[str, Any] = {"formatting": "sharegpt"}
    if mix.kind == "preferences":
        columns |= {"chosen": "chosen", "rejected": "rejected"}
        kind["ranking"] = True
    told = {
        f"{mix.name}_{path.stem}": {"file_name": path.name, **kind, "columns": columns, "tags": TAGS}
        for path in sorted(folder.glob("*.jsonl"))
    }
    (folder / "dataset_info.json").write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2) + b"\n")
