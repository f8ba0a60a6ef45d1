"""What can go wrong with what is kept."""

from taxonomy.refusal import Refusal


class StoreError(Refusal):
    """The database cannot be used, or a run in it cannot; nothing was overwritten."""
