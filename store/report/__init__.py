"""Statistics of a store: gathered into plain figures, drawn, and set on one page."""
