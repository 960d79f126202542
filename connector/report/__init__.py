"""The report of a run: one file for people who don't use the command line, to read or to print."""
