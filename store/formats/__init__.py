"""Readers and writers of file formats, one a file."""
