"""The review in a shell: the verbs of python -m store.dialogues."""
