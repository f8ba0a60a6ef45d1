"""What is kept: tables, the ledger of calls, file formats, and what a dialogue's standing is."""
