"""A job: the trainer as a process of this machine, with a folder and a row in the database."""
