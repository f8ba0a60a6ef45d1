"""The page where people read dialogues, and accept or reject them."""
