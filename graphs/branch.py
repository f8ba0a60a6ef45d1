"""Names the branch of the graph that is running, so that the ledger counts occurrences by place and not by arrival."""

from langgraph.config import get_config


def current_branch() -> str:
    """Return the running node's name, with the index of the Send that started it where there was one."""
    metadata = get_config()["metadata"]
    node: str = metadata["langgraph_node"]
    path = metadata["langgraph_path"]
    return f"{node}/{path[1]}" if path[0] == "__pregel_push" else node
